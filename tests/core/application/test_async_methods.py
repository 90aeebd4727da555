"""Async methods: an application's own, awaited, each called in another thread."""

import asyncio
import threading
from contextvars import ContextVar
from uuid import uuid4

import pytest

from eventsourcing.application import AggregateNotFoundError
from eventsourcing.asynchronous import to_async
from tests.core.school import Counters, Dog, DogSchool

current_user = ContextVar("current_user", default="nobody")


class BusySchool(DogSchool):
    """Has methods of all kinds."""

    is_snapshotting_enabled = True
    readers: list[str]
    letter_head = "Dog School"

    class Desk:
        """Is no method, though it can be called."""

    @property
    def size(self):
        """Is read, not called."""
        raise RuntimeError("nobody has asked")

    def where(self):
        """Return who calls, and in which thread."""
        return current_user.get(), threading.get_ident()

    def history(self, dog_id):
        for each in self.events.get(dog_id):
            is_mine = threading.current_thread() is threading.main_thread()
            self.readers.append("main thread" if is_mine else "another thread")
            yield each

    def subscribe(self):
        """Return something that has to be closed."""
        return self.recorder.subscribe()

    @staticmethod
    def motto():
        return "sit"

    async def greet(self):
        return "woof"

    def _hidden(self):
        """Is nobody's business."""


@pytest.fixture
def school():
    with BusySchool() as school:
        school.readers = []
        yield school


def test_own_methods_are_awaited(school):
    async def visit():
        dog_id = await school.aio.register_dog("Fido")
        await school.aio.add_trick(dog_id, trick="sit")
        return await school.aio.get_dog(dog_id)

    assert asyncio.run(visit()) == {"name": "Fido", "tricks": ("sit",)}


def test_each_is_called_in_another_thread_with_the_context_of_the_caller(school):
    async def ask():
        current_user.set("ann")
        return await school.aio.where()

    user, thread = asyncio.run(ask())

    assert user == "ann"
    assert thread != threading.get_ident()


def test_aggregates_are_got_and_saved(school):
    async def teach():
        dog = Dog("Fido")
        (recording,) = await school.aio.save(dog)
        dog = await school.aio.repository.get(dog.id)
        dog.add_trick("sit")
        await school.aio.save(dog)
        await school.aio.take_snapshot(dog.id)
        return recording, await school.aio.repository.get(dog.id, version=1)

    recording, as_it_was = asyncio.run(teach())

    assert isinstance(recording.domain_event, Dog.Registered)
    assert as_it_was.tricks == []
    assert len(list(school.snapshots.get(as_it_was.id))) == 1


def test_what_a_method_yields_has_been_read_when_it_returns(school):
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")

    events = asyncio.run(school.aio.history(dog_id))

    assert school.readers == ["another thread"] * 2
    assert [type(each) for each in events] == [Dog.Registered, Dog.TrickAdded]
    assert list(events) == []


def test_what_has_to_be_closed_is_returned_as_it_is(school):
    with asyncio.run(school.aio.subscribe()) as subscription:
        school.register_dog("Fido")

        assert next(subscription).originator_version == 1


def test_static_and_async_methods_are_awaited_like_others(school):
    assert asyncio.run(school.aio.motto()) == "sit"
    assert asyncio.run(school.aio.greet()) == "woof"


def test_errors_are_those_of_the_method(school):
    with pytest.raises(AggregateNotFoundError):
        asyncio.run(school.aio.get_dog(uuid4()))


@pytest.mark.parametrize(
    "name", ["bark", "recorder", "close", "construct_env", "size", "letter_head", "Desk", "name"]
)
def test_other_names_are_told_with_what_there_is(school, name):
    with pytest.raises(AttributeError) as caught:
        getattr(school.aio, name)

    assert str(caught.value) == (
        f"BusySchool.aio has no {name!r}. It has: add_trick, get_dog, greet, history, motto, "
        "register_dog, repository, save, subscribe, take_snapshot, where."
    )


@pytest.mark.parametrize("name", ["_hidden", "__len__"])
def test_private_names_are_not_there(school, name):
    assert not hasattr(school.aio, name)


def test_a_followers_policy_is_not_offered():
    with Counters() as counters:
        names = [name for name in dir(counters.aio) if not name.startswith("_")]

        assert names == ["get_count", "repository", "save", "take_snapshot"]
        assert repr(counters.aio) == "<AsyncMethods of Counters>"


def test_what_is_async_already_has_no_other_form():
    async def bark():
        return "woof"

    with pytest.raises(TypeError, match=r"<locals>\.bark is async already\. Call it as it is\."):
        to_async(bark)
