"""The repository: aggregates as they are, and as they were."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from eventsourcing.application import AggregateNotFoundError, Application, ProgrammingError
from eventsourcing.domain import Aggregate
from tests.core.school import Dog, DogSchool


@pytest.fixture
def school():
    return DogSchool()


@pytest.fixture
def dog_id(school):
    dog = Dog("Fido")
    dog.add_trick("roll over")
    dog.add_trick("fetch ball")
    school.save(dog)
    return dog.id


def test_gets_the_last_version(school, dog_id):
    dog = school.repository.get(dog_id)

    assert (dog.version, dog.tricks) == (3, ["roll over", "fetch ball"])


@pytest.mark.parametrize(
    ("version", "tricks"), [(1, []), (2, ["roll over"]), (9, ["roll over", "fetch ball"])]
)
def test_gets_an_earlier_version(school, dog_id, version, tricks):
    assert school.repository.get(dog_id, version=version).tricks == tricks


def test_projects_with_a_function_of_the_callers(school, dog_id):
    def count(_, events):
        return len(list(events))

    assert school.repository.get(dog_id, projector_func=count) == 3


def test_knows_what_it_contains(school, dog_id):
    assert dog_id in school.repository
    assert Dog("Buster").id not in school.repository


class Discarded(Aggregate.Event):
    """Leaves no aggregate."""

    def mutate(self, aggregate):
        super().mutate(aggregate)
        return None


def test_a_discarded_aggregate_is_not_found():
    app = Application()
    account = Aggregate()
    account.trigger_event(Discarded)
    app.save(account)

    with pytest.raises(AggregateNotFoundError, match="not found"):
        app.repository.get(account.id)


def test_events_that_make_no_aggregate_need_a_projector():
    @dataclass(frozen=True)
    class Barked:
        originator_id: UUID
        originator_version: int

    school = DogSchool()
    barked = Barked(uuid4(), 1)
    school.save(barked)

    with pytest.raises(ProgrammingError) as caught:
        school.repository.get(barked.originator_id)

    assert str(caught.value).endswith(
        "Barked has no mutate(), so events of its kind make no aggregate by themselves. Give a "
        "projector function."
    )
