"""Dispatch: a method chooses by the class of its argument."""

import threading
from abc import ABC, abstractmethod
from copy import copy, deepcopy

import pytest

from eventsourcing.dispatch import singledispatchmethod


class Animal:
    """The most general class."""


class Dog(Animal):
    """A more particular class."""


class Cat(Animal):
    """Another one."""


class Policy:
    """A class with implementations registered in various ways."""

    @singledispatchmethod
    def policy(self, domain_event, processing_event=None):
        """Do nothing by default."""
        return "default"

    @policy.register(Dog)
    def _(self, domain_event, processing_event=None):
        return "dog", self, processing_event

    @policy.register
    def _(self, domain_event: int | str):
        return "int or str"

    @policy.register
    def _(self, domain_event: "LaterDefined", other: "NeverDefined" = None):
        return "later"

    @policy.register(bytes | None)
    def _(self, domain_event):
        return "bytes or None"


class LaterDefined:
    """A class that is defined after it has been named."""


class NeverDefined:
    """Named by an argument that does not matter."""


def test_default_serves_other_classes():
    assert Policy().policy(object()) == "default"
    assert Policy().policy(Cat()) == "default"


def test_implementation_is_chosen_by_the_class_given():
    policy = Policy()

    assert policy.policy(Dog(), 1) == ("dog", policy, 1)


def test_subclass_is_served_by_the_implementation_of_its_base():
    class Puppy(Dog):
        pass

    assert Policy().policy(Puppy())[0] == "dog"


@pytest.mark.parametrize("value", [1, "text"])
def test_annotated_union_serves_each_member(value):
    assert Policy().policy(value) == "int or str"


@pytest.mark.parametrize("value", [b"", None])
def test_union_given_serves_each_member(value):
    assert Policy().policy(value) == "bytes or None"


def test_annotation_may_name_a_class_that_is_defined_later():
    assert Policy().policy(LaterDefined()) == "later"


def test_implementation_can_be_registered_from_outside():
    class Rules:
        @singledispatchmethod
        def policy(self, domain_event):
            return "default"

    Rules.policy.register(Cat, lambda self, domain_event: "cat")

    assert Rules().policy(Cat()) == "cat"


def test_other_arguments_may_be_named():
    policy = Policy()

    assert policy.policy(Dog(), processing_event=2) == ("dog", policy, 2)


def test_class_methods_and_static_methods_are_served():
    class Rules:
        @singledispatchmethod
        @classmethod
        def of_class(cls, value):
            return cls, "default"

        @of_class.register(Dog)
        @classmethod
        def _(cls, value):
            return cls, "dog"

        @singledispatchmethod
        @staticmethod
        def static(value):
            return "default"

        @static.register
        @staticmethod
        def _(value: Dog):
            return "dog"

    assert Rules.of_class(Dog()) == (Rules, "dog")
    assert Rules().of_class(Cat()) == (Rules, "default")
    assert Rules().static(Dog()) == "dog"
    assert Rules.static(Cat()) == "default"


def test_one_argument_is_needed():
    with pytest.raises(TypeError, match=r"policy\(\) requires at least 1 positional argument"):
        Policy().policy()


def test_metadata_is_kept():
    assert Policy.policy.__name__ == "policy"
    assert Policy().policy.__doc__ == "Do nothing by default."


def test_abstract_method_stays_abstract():
    class Rules(ABC):
        @singledispatchmethod
        @abstractmethod
        def policy(self, domain_event): ...

    with pytest.raises(TypeError, match="abstract"):
        Rules()


def test_subclass_may_override_and_extend():
    class Stricter(Policy):
        @singledispatchmethod
        def policy(self, domain_event, processing_event=None):
            return super().policy(domain_event, processing_event)

        @policy.register(Cat)
        def _(self, domain_event, processing_event=None):
            return "cat"

    assert Stricter().policy(Cat()) == "cat"
    assert Stricter().policy(Dog())[0] == "dog"
    assert Policy().policy(Cat()) == "default"


def test_annotation_is_needed_without_a_class():
    with pytest.raises(TypeError, match=r"Invalid first argument to policy.register\(\): .*Give a"):

        class Rules:
            @singledispatchmethod
            def policy(self, domain_event): ...

            @policy.register
            def _(self, domain_event): ...


def test_annotation_is_a_class():
    with pytest.raises(TypeError, match=r"Invalid annotation for 'domain_event' of .*list\[int\]"):

        class Rules:
            @singledispatchmethod
            def policy(self, domain_event): ...

            @policy.register
            def _(self, domain_event: list[int]): ...


def test_argument_is_a_class():
    with pytest.raises(TypeError, match=r"Invalid first argument to register\(\): 1 is not a cl"):
        Policy.policy.register(1, lambda self, value: None)


def test_annotation_that_is_never_defined_is_named_when_the_method_is_used():
    class Rules:
        @singledispatchmethod
        def policy(self, domain_event): ...

        @policy.register
        def _(self, domain_event: "NobodyKnows"): ...  # noqa: F821

    for _ in range(2):
        with pytest.raises(TypeError, match=r"cannot be resolved: name 'NobodyKnows' is not def"):
            Rules().policy(1)


def test_first_use_by_many_threads_misses_no_implementation():
    namespace = {"Dog": Dog}

    class Rules:
        @singledispatchmethod
        def policy(self, domain_event):
            return "default"

    def implementation(self, domain_event):
        return "dog"

    implementation.__annotations__ = {"domain_event": "Later.Dog"}
    implementation.__globals__.pop("Later", None)
    Rules.policy.register(implementation)
    implementation.__globals__["Later"] = type("Later", (), namespace)
    found = []
    barrier = threading.Barrier(8)

    def use() -> None:
        barrier.wait(10)
        found.append(Rules().policy(Dog()))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert found == ["dog"] * 8


def test_what_is_registered_after_a_first_call_is_noticed():
    class Rules:
        @singledispatchmethod
        def policy(self, domain_event):
            return "default"

    class Puppy(Dog):
        pass

    rules = Rules()
    bound = rules.policy
    found = [bound(Puppy())]
    Rules.policy.register(Animal, lambda self, domain_event: "animal")
    found.append(bound(Puppy()))
    Rules.policy.register(Dog, lambda self, domain_event: "dog")
    found += [bound(Puppy()), rules.policy(Puppy()), rules.policy(Cat())]

    assert found == ["default", "animal", "dog", "dog", "animal"]


def test_a_class_that_is_registered_with_an_abstract_one_is_noticed():
    class Barking(ABC):
        @abstractmethod
        def bark(self): ...

    class Rules:
        @singledispatchmethod
        def policy(self, domain_event):
            return "default"

        @policy.register
        def _(self, domain_event: Barking):
            return "barking"

    class Seal:
        """Turns out to bark."""

    rules = Rules()
    assert rules.policy(Seal()) == "default"
    Barking.register(Seal)

    assert rules.policy(Seal()) == "barking"


def test_bound_methods_are_equal_where_those_of_functions_are():
    one, other = Policy(), Policy()

    assert one.policy == one.policy
    assert hash(one.policy) == hash(one.policy)
    assert one.policy != other.policy
    assert one.policy != Policy.policy
    assert one.policy != one
    assert {one.policy: 1}[one.policy] == 1


def test_a_bound_method_tells_what_it_is_of():
    policy = Policy()

    assert policy.policy.__self__ is policy
    assert policy.policy.__name__ == "policy"
    assert policy.policy.__qualname__ == "Policy.policy"
    assert policy.policy.__func__ is policy.policy.__wrapped__
    with pytest.raises(AttributeError, match="nothing"):
        _ = policy.policy.nothing


def test_a_bound_method_can_be_copied():
    policy = Policy()

    assert copy(policy.policy)(Dog())[1] is policy
    assert deepcopy({"do": policy.policy})["do"](Dog())[0] == "dog"


def test_an_override_of_one_class_leaves_the_others():
    class Other(Policy):
        """Inherits the method itself."""

    Other.policy.register(float, lambda self, domain_event: "float")

    assert Policy().policy(1.5) == Other().policy(1.5) == "float"
