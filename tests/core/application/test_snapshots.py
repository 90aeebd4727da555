"""Snapshots: kept when due, used by the repository, and never in the way."""

import logging
from dataclasses import replace

import pytest

from eventsourcing.application import Application, ProgrammingError
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import OperationalError
from eventsourcing.popo import POPOAggregateRecorder, POPOFactory
from tests.core.school import Dog, DogSchool


class SnapshottingSchool(DogSchool):
    name = "DogSchool"
    snapshotting_intervals = {Dog: 2}


class AwayRecorder(POPOAggregateRecorder):
    def insert_events(self, stored_events, **kwargs):
        raise OperationalError("the snapshots are away")


class AwayFactory(POPOFactory):
    def aggregate_recorder(self, purpose="events"):
        return AwayRecorder()


def versions(school, dog_id):
    return [s.originator_version for s in school.snapshots.get(dog_id)]


def train(school, *tricks):
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return dog_id


def test_are_kept_at_each_interval():
    school = SnapshottingSchool()

    dog_id = train(school, "sit", "stay", "roll over", "fetch")

    assert versions(school, dog_id) == [2, 4]


def test_are_kept_at_the_due_version_though_more_was_saved_at_once():
    school = SnapshottingSchool()
    dog = Dog("Fido")
    dog.add_trick("sit")
    dog.add_trick("stay")

    school.save(dog)

    assert versions(school, dog.id) == [2]
    assert school.repository.get(dog.id, version=2).tricks == ["sit"]


def test_are_what_the_repository_begins_with():
    school = SnapshottingSchool()
    dog_id = train(school, "sit", "stay")
    read = []
    select = school.recorder.select_events

    def select_events(originator_id, **kwargs):
        events = select(originator_id, **kwargs)
        read.extend(e.originator_version for e in events)
        return events

    school.recorder.select_events = select_events

    assert school.get_dog(dog_id)["tricks"] == ("sit", "stay")
    assert read == [3]


def test_do_not_change_when_the_aggregate_does():
    school = SnapshottingSchool()
    dog_id = train(school, "sit")
    dog = school.repository.get(dog_id)

    dog.add_trick("stay")

    assert school.repository.get(dog_id).tricks == ["sit"]


def test_can_be_taken_by_hand():
    class School(DogSchool):
        is_snapshotting_enabled = True

    school = School()
    dog_id = train(school, "sit", "stay")

    school.take_snapshot(dog_id)
    school.take_snapshot(dog_id, version=1)

    assert versions(school, dog_id) == [1, 3]


def test_can_be_switched_on_by_the_environment():
    school = DogSchool(env={"IS_SNAPSHOTTING_ENABLED": "y"})
    dog_id = train(school)

    school.take_snapshot(dog_id)

    assert versions(school, dog_id) == [1]


def test_are_refused_where_they_are_not_kept():
    school = DogSchool()

    with pytest.raises(AssertionError) as caught:
        school.take_snapshot(train(school))

    assert str(caught.value) == (
        "DogSchool keeps no snapshots. Set DogSchool.is_snapshotting_enabled, or "
        "IS_SNAPSHOTTING_ENABLED in its environment."
    )


def test_that_fail_do_not_fail_the_save(caplog):
    school = SnapshottingSchool(env={"PERSISTENCE_MODULE": f"{__name__}:AwayFactory"})

    with caplog.at_level(logging.WARNING):
        dog_id = train(school, "sit")

    assert school.get_dog(dog_id)["tricks"] == ("sit",)
    assert f"DogSchool could not keep a snapshot of {dog_id} at version 2" in caplog.text


def test_that_cannot_be_read_give_way_to_the_events(caplog):
    school = SnapshottingSchool()
    dog_id = train(school, "sit", "stay")
    stream = school.snapshots.recorder._streams[dog_id]
    stream[2] = replace(stream[2], state=b"damaged")

    with caplog.at_level(logging.WARNING):
        dog = school.get_dog(dog_id)

    assert dog["tricks"] == ("sit", "stay")
    assert (
        f"The snapshot of aggregate {dog_id} cannot be used, so its events are replayed: "
        f"MapperDeserialisationError: The event with topic 'eventsourcing.domain:Aggregate.Snapshot'"
    ) in caplog.text


def test_that_are_there_already_are_left_alone(caplog):
    school = SnapshottingSchool()
    dog = Dog("Fido")
    dog.add_trick("sit")
    school.snapshots.put([Dog.Snapshot.take(dog)])

    with caplog.at_level(logging.WARNING):
        school.save(dog)

    assert versions(school, dog.id) == [2]
    assert caplog.text == ""


def test_need_a_class():
    class School(DogSchool):
        is_snapshotting_enabled = True

    school = School()
    dog_id = train(school)

    with pytest.raises(ProgrammingError) as caught:
        school.take_snapshot(dog_id, projector_func=lambda dog, events: Counted(list(events)))

    assert str(caught.value) == (
        "Counted defines no Snapshot class, and School.snapshot_class is not set. Set one of the "
        "two."
    )


class Counted:
    def __init__(self, events):
        self.events = events


def test_that_cannot_be_written_do_not_fail_the_save(caplog):
    class Toy(Aggregate):
        def __init__(self):
            self.colours = {"red"}

        @event("Painted")
        def paint(self, colour: str):
            self.colours.add(colour)

    class Shop(Application):
        snapshotting_intervals = {Toy: 2}

    shop = Shop()
    toy = Toy()
    toy.paint("blue")

    shop.save(toy)

    assert shop.repository.get(toy.id).colours == {"red", "blue"}
    assert "TranscodingNotRegisteredError" in caplog.text
