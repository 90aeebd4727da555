"""Ids: random unless the class or the caller gives them."""

from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import pytest

from eventsourcing.domain import Aggregate, BaseAggregate, ProgrammingError, event


class Counter(Aggregate):
    """An aggregate whose id is made of its name."""

    def __init__(self, name: str, start: int = 0) -> None:
        self.name = name
        self.count = start

    @classmethod
    def create_id(cls, name: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"/counters/{name}")


def test_id_is_random_by_default():
    class Dog(Aggregate):
        pass

    assert isinstance(Dog().id, UUID)
    assert Dog().id != Dog().id


def test_create_id_gets_what_it_names():
    assert Counter("sit", start=2).id == Counter.create_id("sit")


def test_create_id_may_be_static():
    class Dog(Aggregate):
        def __init__(self, name: str) -> None: ...

        @staticmethod
        def create_id(name: str) -> UUID:
            return uuid5(NAMESPACE_URL, name)

    assert Dog("Fido").id == uuid5(NAMESPACE_URL, "Fido")


def test_create_id_that_is_a_plain_method_is_refused():
    with pytest.raises(TypeError, match=r"Dog.create_id\(\) must be a static method or a class"):

        class Dog(Aggregate):
            def create_id(self) -> UUID: ...


@pytest.mark.parametrize("wrong", [None, 1, b"id"])
def test_create_id_returns_an_id(wrong):
    class Dog(Aggregate):
        @staticmethod
        def create_id():
            return wrong

    with pytest.raises(TypeError, match=r"Dog.create_id\(\) returned .*Return a UUID or a str."):
        Dog()


def test_base_aggregate_has_no_create_id():
    class Dog(BaseAggregate):
        class Event(Aggregate.Event):
            pass

        class Created(Aggregate.Created):
            pass

    with pytest.raises(
        NotImplementedError, match=r"Please pass an 'id' arg or define a create_id\(\) method"
    ):
        Dog()


def test_parameter_id_lets_the_caller_give_it():
    class Dog(Aggregate):
        def __init__(self, id: UUID, name: str) -> None:  # noqa: A002
            self.name = name

    id_ = uuid4()

    assert Dog(id_, "Fido").id == id_
    assert not hasattr(Dog(id_, "Fido").pending_events[0], "id")


def test_parameter_id_may_be_decorated_and_optional():
    class Dog(Aggregate):
        @event("Registered")
        def __init__(self, name: str, *, id: UUID | None = None) -> None:  # noqa: A002
            self.id = id

    id_ = uuid4()

    assert Dog("Fido", id=id_).id == id_
    assert isinstance(Dog("Fido").id, UUID)


def test_annotation_id_lets_the_caller_give_it():
    class Dog(Aggregate):
        id: UUID
        name: str

    id_ = uuid4()
    dog = Dog(id=id_, name="Fido")

    assert (dog.id, dog.name) == (id_, "Fido")
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'id'"):
        Dog(name="Fido")


def test_id_is_not_taken_where_it_is_not_named():
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'id'"):
        Counter("sit", id=uuid4())


def test_id_of_another_type_is_refused():
    class Dog(Aggregate):
        id: UUID

    with pytest.raises(TypeError, match="Unable to construct 'Created' event: .* got 'dog-1' as"):
        Dog(id="dog-1")


@pytest.mark.parametrize("value", [None, "dog", property(lambda self: 1)])
def test_attribute_id_on_the_class_is_refused(value):
    with pytest.raises(ProgrammingError, match="Setting attribute 'id' on class .*Dog' is not al"):

        class Dog(Aggregate):
            id = value


def test_id_does_not_change():
    dog = Counter("sit")

    with pytest.raises(AttributeError, match=f"The id of Counter {dog.id} can't be changed"):
        dog.id = uuid4()
