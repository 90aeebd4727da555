"""What each event of an aggregate has changed, and what the aggregate was then."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_eventsourcing import get_application, registry, streams
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.streams import Change, last_version, read_steps, version_at
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from tests.core.school import DogSchool

pytestmark = pytest.mark.long_elsewhere("postgres")


class Basket(Aggregate):
    @event("Begun")
    def __init__(self, owner):
        self.owner = owner
        self.kinds = set()

    @event("Filled")
    def fill(self, kind, number):
        setattr(self, kind, number)
        self.kinds.add(kind)

    @event("Emptied")
    def empty(self, kind):
        delattr(self, kind)
        self.kinds.remove(kind)

    @event("Torn")
    def tear(self):
        raise ValueError("nothing is held by a torn basket")


class Baskets(Application):
    snapshotting_intervals = {Basket: 3}


@pytest.fixture
def school(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.long_system", "DATABASE": database}
    }
    yield get_application(DogSchool)
    registry.reset()


def taught(school, *tricks):
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return dog_id


def test_each_event_is_told_with_what_it_changed(school):
    dog_id = taught(school, "sit", "beg")

    first, second, third = read_steps(school, dog_id, limit=10)

    assert [step.event.originator_version for step in (first, second, third)] == [1, 2, 3]
    assert {change.name: change.after for change in first.changes if change.kind == "added"} == {
        "created_on": first.state["created_on"],
        "modified_on": first.state["modified_on"],
        "name": "Fido",
        "tricks": [],
    }
    assert second.changes == [Change(name="tricks", kind="changed", before=[], after=["sit"])]
    assert third.changes == [
        Change(name="tricks", kind="changed", before=["sit"], after=["sit", "beg"])
    ]
    assert third.class_name == "Dog"
    assert not any(step.error for step in (first, second, third))


def test_a_later_part_has_the_same_steps(school):
    dog_id = taught(school, "sit", "beg", "roll over")
    steps = list(read_steps(school, dog_id, limit=10))

    assert list(read_steps(school, dog_id, after=2, limit=10)) == steps[2:]
    assert list(read_steps(school, dog_id, after=1, limit=2)) == steps[1:3]
    assert list(read_steps(school, dog_id, after=4)) == []


def test_an_aggregate_that_is_not_there_has_no_steps(school):
    assert list(read_steps(school, uuid4())) == []
    assert last_version(school, uuid4()) is None
    assert last_version(school, taught(school, "sit")) == 2


def test_the_version_at_a_time_goes_by_when_events_were_recorded(school, database):
    dog_id = taught(school, "sit", "beg")
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    for version in (1, 2, 3):
        StoredEventRecord.objects.using(database).filter(originator_version=version).update(
            recorded_at=noon + timedelta(hours=version)
        )

    hours = (0, 1, 1.5, 2, 99)
    found = [version_at(school, dog_id, noon + timedelta(hours=each)) for each in hours]

    assert found == [None, 1, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 17, 60])
def test_a_long_stream_is_narrowed_down_to_the_time(school, database, monkeypatch, count):
    monkeypatch.setattr(streams, "_READ_AT_ONCE", 3)
    monkeypatch.setattr(streams, "_PARTS", 4)
    dog_id = taught(school, *(f"trick {n}" for n in range(count - 1)))
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    for version in range(1, count + 1):
        StoredEventRecord.objects.using(database).filter(originator_version=version).update(
            recorded_at=noon + timedelta(hours=version)
        )

    for hours in range(1, count + 2):
        assert version_at(school, dog_id, noon + timedelta(hours=hours)) == min(hours, count)
    assert version_at(school, dog_id, noon + timedelta(hours=0.5)) is None


def test_in_memory_there_are_no_times():
    school = DogSchool()
    dog_id = taught(school, "sit")

    assert [step.event.originator_version for step in read_steps(school, dog_id, limit=9)] == [1, 2]
    with pytest.raises(ValueError) as caught:
        version_at(school, dog_id, datetime(2026, 1, 2, tzinfo=UTC))
    assert str(caught.value) == "DogSchool does not keep when its events were recorded."


def test_attributes_come_and_go_and_sets_have_an_order():
    baskets = Baskets()
    basket = Basket("Ann")
    for kind in ("pears", "apples"):
        basket.fill(kind, 3)
    basket.empty("pears")
    baskets.save(basket)

    *_, filled, emptied = read_steps(baskets, basket.id, limit=9)

    assert filled.changes == [
        Change(name="kinds", kind="changed", before=["pears"], after=["apples", "pears"]),
        Change(name="apples", kind="added", after=3),
    ]
    assert emptied.changes == [
        Change(name="kinds", kind="changed", before=["apples", "pears"], after=["apples"]),
        Change(name="pears", kind="removed", before=3),
    ]


def test_an_event_that_cannot_be_applied_is_told_and_what_follows_is_not_known():
    baskets = Baskets()
    basket = Basket("Ann")
    basket.fill("pears", 3)
    basket.fill("apples", 3)
    baskets.save(basket)
    events = list(baskets.events.get(basket.id))
    torn = Basket.Torn(originator_id=basket.id, originator_version=4, timestamp=events[0].timestamp)
    filled = Basket.Filled(
        originator_id=basket.id,
        originator_version=5,
        timestamp=torn.timestamp,
        kind="figs",
        number=1,
    )
    baskets.events.put([torn, filled])

    *_, good, bad, later = read_steps(baskets, basket.id, limit=9)

    assert good.state["apples"] == 3
    assert bad.error == later.error == "ValueError: nothing is held by a torn basket"
    assert (bad.state, bad.changes, later.state) == (None, [], None)
    assert later.event.values["kind"] == "figs"


@given(st.lists(st.sampled_from(["pears", "figs", "-pears", "-figs"]), max_size=12))
def test_at_each_version_it_is_what_a_replay_makes(moves):
    baskets = Baskets()
    basket = Basket("Ann")
    for move in moves:
        kind = move.lstrip("-")
        if not move.startswith("-"):
            basket.fill(kind, len(basket.pending_events))
        elif kind in basket.kinds:
            basket.empty(kind)
        baskets.save(basket)

    for step in read_steps(baskets, basket.id, limit=20):
        version = step.event.originator_version
        replayed = baskets.repository.get(basket.id, version=version)
        shown = {name: getattr(replayed, name) for name in replayed.kinds}

        assert {name: step.state[name] for name in step.state if name in ("pears", "figs")} == shown
        assert step.state["kinds"] == sorted(replayed.kinds)
        assert list(read_steps(baskets, basket.id, after=version - 1 or None)) == [step]
