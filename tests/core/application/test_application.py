"""Applications: saving, finding again, and the settings that they are made with."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import IntegrityError, OperationalError
from eventsourcing.popo import POPOApplicationRecorder
from tests.core.school import Dog, DogSchool


class FailingRecorder(POPOApplicationRecorder):
    """A recorder whose database is away while ``is_away``."""

    is_away = True

    def insert_events(self, stored_events, **kwargs):
        if self.is_away:
            raise OperationalError("away")
        return super().insert_events(stored_events, **kwargs)


def test_finds_a_saved_aggregate_again():
    school = DogSchool()
    dog_id = school.register_dog("Fido")

    school.add_trick(dog_id, "roll over")

    assert school.get_dog(dog_id) == {"name": "Fido", "tricks": ("roll over",)}


def test_says_what_it_has_recorded():
    school = DogSchool()
    dog = Dog("Fido")
    dog.add_trick("roll over")

    recordings = school.save(dog)

    assert [type(r.domain_event) for r in recordings] == [Dog.Registered, Dog.TrickAdded]
    assert [r.notification.id for r in recordings] == [1, 2]
    assert [r.notification.originator_version for r in recordings] == [1, 2]


def test_records_in_the_order_of_the_arguments():
    school = DogSchool()
    first, second = Dog("Fido"), Dog("Buster")

    recordings = school.save(second, None, first)

    assert [r.domain_event.name for r in recordings] == ["Buster", "Fido"]


def test_records_bare_events():
    school = DogSchool()
    dog = Dog("Fido")
    (registered,) = dog.collect_events()

    school.save(registered)

    assert school.get_dog(dog.id)["name"] == "Fido"


def test_saves_nothing_as_nothing():
    school = DogSchool()

    assert school.save() == []
    assert school.recorder.max_notification_id() is None


def test_refuses_a_version_that_is_taken_and_records_nothing():
    school = DogSchool()
    dog_id = school.register_dog("Fido")
    mine, theirs = school.repository.get(dog_id), school.repository.get(dog_id)
    theirs.add_trick("sit")
    school.save(theirs)
    mine.add_trick("roll over")

    with pytest.raises(IntegrityError, match="has version 2 already"):
        school.save(Dog("Buster"), mine)

    assert school.recorder.max_notification_id() == 2


def test_keeps_pending_events_when_saving_fails():
    class AwaySchool(DogSchool):
        def construct_recorder(self):
            return FailingRecorder()

    school = AwaySchool()
    dog = Dog("Fido")
    dog.add_trick("roll over")
    with pytest.raises(OperationalError, match="away"):
        school.save(dog)

    school.recorder.is_away = False
    school.save(dog)

    assert school.get_dog(dog.id)["tricks"] == ("roll over",)


def test_passes_keyword_arguments_to_the_recorder():
    received = {}

    class Recorder(POPOApplicationRecorder):
        def insert_events(self, stored_events, **kwargs):
            received.update(kwargs)
            return super().insert_events(stored_events, **kwargs)

    class IndexedSchool(DogSchool):
        def construct_recorder(self):
            return Recorder()

    IndexedSchool().save(Dog("Fido"), text="a dog called Fido")

    assert received == {"text": "a dog called Fido"}


def test_is_named_after_its_class_unless_it_says_otherwise():
    class Kennel(Application):
        name = "kennel-of-lassie"

    assert DogSchool.name == "DogSchool"
    assert Kennel.name == "kennel-of-lassie"


def test_takes_settings_from_class_process_and_argument_in_that_order(monkeypatch):
    class Kennel(Application):
        env = {"A": "class", "B": "class", "C": "class"}

    monkeypatch.setenv("B", "process")
    monkeypatch.setenv("C", "process")

    env = Kennel(env={"C": "argument"}).env

    assert (env.get("A"), env.get("B"), env.get("C")) == ("class", "process", "argument")


def test_prefers_settings_with_its_own_name():
    env = DogSchool(env={"DOGSCHOOL_COLOUR": "red", "COLOUR": "blue"}).env

    assert env.get("COLOUR") == "red"


def test_calls_the_hooks_of_a_save_in_order():
    calls = []

    class Watched(DogSchool):
        def _record(self, processing_event):
            calls.append("_record")
            return super()._record(processing_event)

        def _take_snapshots(self, processing_event):
            calls.append("_take_snapshots")

        def _notify(self, recordings):
            calls.append("_notify")

        def notify(self, new_events):
            calls.append("notify")

    Watched().save(Dog("Fido"))

    assert calls == ["_record", "_take_snapshots", "_notify", "notify"]


def test_closes_at_the_end_of_a_with_block():
    with DogSchool() as school:
        assert not school.closing.is_set()

    assert school.closing.is_set()


def test_says_which_aggregate_is_not_found():
    dog_id = Dog("Fido").id

    with pytest.raises(AggregateNotFoundError) as caught:
        DogSchool().repository.get(dog_id, version=3)

    assert str(caught.value) == f"Aggregate {dog_id} at version 3 not found."


def test_keeps_the_error_where_an_aggregate_has_no_list_of_pending_events():
    class Once:
        id = uuid4()
        version = 1

        def collect_events(self):
            return (Dog.Event(self.id, 1, datetime.now(UTC)),)

    school = DogSchool()
    school.save(Once())

    with pytest.raises(IntegrityError):
        school.save(Once())


def test_records_an_event_that_has_an_id_and_a_version():
    @dataclass(frozen=True)
    class Published:
        originator_id: UUID
        originator_version: int
        id: int
        version: str

    school = DogSchool()
    published = Published(uuid4(), 1, 7, "1.0")

    school.save(published)

    assert list(school.events.get(published.originator_id)) == [published]


def test_tells_of_new_events_when_they_are_committed():
    told, callbacks = [], []

    class Recorder(POPOApplicationRecorder):
        def on_commit(self, callback):
            callbacks.append(callback)

    class Watched(DogSchool):
        def construct_recorder(self):
            return Recorder()

        def notify(self, new_events):
            told.extend(new_events)

    dog = Dog("Fido")
    Watched().save(dog)
    assert told == []

    for callback in callbacks:
        callback()

    assert [event.name for event in told] == ["Fido"]


HOOKS = (
    "construct_env",
    "construct_factory",
    "construct_mapper",
    "construct_transcoder",
    "register_transcodings",
    "construct_recorder",
    "construct_event_store",
    "construct_snapshot_store",
    "construct_repository",
    "construct_notification_log",
)


def test_is_put_together_by_hooks_in_order():
    calls = []

    def watched(name):
        def hook(self, *args, **kwargs):
            calls.append(name)
            return getattr(super(Watched, self), name)(*args, **kwargs)

        return hook

    class Watched(DogSchool):
        is_snapshotting_enabled = True

    for name in HOOKS:
        setattr(Watched, name, watched(name))

    Watched()

    assert tuple(calls) == HOOKS
