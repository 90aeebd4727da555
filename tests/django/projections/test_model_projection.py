"""Model projections: rows and position together, singly and many at once."""

import pytest

from django_eventsourcing import event_metadata, processed_event
from django_eventsourcing.dead_letters import retry
from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.runners import ThreadedRunner
from eventsourcing.application import LocalNotificationLog, ProgrammingError
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, DogSchool, Kennel, QuickBoard
from tests.django.schools import teach
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")

TRICKS = ["sit", "beg", "sit", "roll over", "sit"]
COUNTS = {"sit": 3, "beg": 1, "roll over": 1}


@pytest.fixture
def counts(database):
    """Return what the table holds."""
    return lambda: dict(TrickCount.objects.using(database).values_list("trick", "count"))


def follow(system, cls, *leaders):
    projection = system.get(cls)
    for leader in leaders or (DogSchool,):
        app = system.get(leader)
        projection.follow(app.name, LocalNotificationLog(app.recorder, 1000), app.mapper)
    return projection


@pytest.mark.parametrize("cls", [Board, QuickBoard])
def test_rows_follow_from_events(configured, counts, cls):
    system = configured("board_system" if cls is Board else "quick_system")
    projection = follow(system, cls)
    teach(system.get(DogSchool), TRICKS)

    projection.pull_and_process("DogSchool")

    assert counts() == COUNTS
    assert projection.recorder.max_tracking_id("DogSchool") == (
        system.get(DogSchool).recorder.max_notification_id()
    )


@pytest.mark.parametrize("name", ["board_system", "quick_system"])
def test_the_runner_keeps_them(configured, counts, name):
    system = configured(name)
    with ThreadedRunner(system):
        teach(system.get(DogSchool), TRICKS)

        wait_until(lambda: counts() == COUNTS, "all tricks counted")


def test_from_several_upstreams(configured, counts):
    system = configured("wide_system")
    with ThreadedRunner(system):
        teach(system.get(DogSchool), ["sit"])
        teach(system.get(Kennel), ["sit", "beg"])

        wait_until(lambda: counts() == {"sit": 2, "beg": 1}, "the tricks of both")


@pytest.mark.parametrize("cls", [Board, QuickBoard])
def test_what_raises_half_way_leaves_no_row_and_no_position(configured, counts, database, cls):
    system = configured("board_system" if cls is Board else "quick_system")
    projection = follow(system, cls)
    teach(system.get(DogSchool), TRICKS)
    projection.after = fail_at("beg")

    with pytest.raises(ValueError, match="dogs do not beg"):
        projection.process_batch("DogSchool")

    assert counts() == {}
    assert projection.recorder.max_tracking_id("DogSchool") is None
    assert not TrackingRecord.objects.using(database).filter(notification_id__gt=0).exists()


@pytest.mark.parametrize("name", ["board_system", "quick_system"])
def test_one_event_that_fails_stops_at_that_one(configured, counts, name):
    system = configured(name)
    projection = follow(system, "Board" if name == "board_system" else "QuickBoard")
    teach(system.get(DogSchool), TRICKS)
    projection.after = fail_at("roll over")

    with pytest.raises(ValueError, match="dogs do not roll over"):
        projection.pull_and_process("DogSchool")

    assert counts() == {"sit": 2, "beg": 1}


@pytest.mark.parametrize("name", ["board_system", "quick_system"])
def test_what_is_parked_is_projected_once_after_the_fix(configured, counts, name):
    system = configured(name, ON_ERROR={"retries": 0, "backoff": [0.01], "then": "park"})
    projection_name = "Board" if name == "board_system" else "QuickBoard"
    projection = system.get(projection_name)
    projection.after = fail_at("beg")
    with ThreadedRunner(system):
        teach(system.get(DogSchool), TRICKS)
        teach(system.get(DogSchool), ["sit"])
        wait_until(lambda: counts() == {"sit": 2}, "what does not fail")
        wait_until(
            lambda: (
                projection.recorder.max_tracking_id("DogSchool")
                == system.get(DogSchool).recorder.max_notification_id()
            ),
            "all seen",
        )
        del projection.after

        tried = list(retry(system, projection_name))

    assert [each.error for each in tried] == [""] * 4
    assert counts() == {"sit": 4, "beg": 1, "roll over": 1}


def test_many_are_given_at_once_and_are_committed_together(configured, counts):
    system = configured("quick_system")
    projection = follow(system, QuickBoard)
    teach(system.get(DogSchool), ["sit"] * 24)

    projection.process_batch("DogSchool", 1000)

    assert projection.sizes == [25]
    assert counts() == {"sit": 24}


@pytest.mark.parametrize("takes_many", [False, True])
def test_it_sees_what_was_recorded_with_the_events(
    configured, counts, database, monkeypatch, takes_many
):
    seen = []

    def note(projection, events):
        seen.extend((event.metadata, event.recorded_at) for event in events)
        ModelProjection.process_events(projection, events)

    system = configured()
    projection = follow(system, Board)
    if takes_many:
        monkeypatch.setattr(Board, "process_events", note)
    projection.after = lambda _: seen.append(
        (processed_event().metadata, processed_event().recorded_at)
    )
    school = system.get(DogSchool)
    dog_id = school.register_dog("Fido")
    with event_metadata(user="ann"):
        school.add_trick(dog_id, "sit")

    projection.process_batch("DogSchool")

    records = StoredEventRecord.objects.using(database).of("DogSchool").order_by("id")
    registered, taught = ((record.metadata, record.recorded_at) for record in records)
    assert (registered[0], taught[0]) == ({}, {"user": "ann"})
    assert seen == ([registered, taught, taught] if takes_many else [taught])


def test_it_records_no_events(configured, database):
    system = configured()
    projection = system.get(Board)

    with pytest.raises(ProgrammingError) as raised:
        projection.save()

    assert str(raised.value) == (
        "Board is a model projection, which records no events. Derive it from ProcessApplication "
        "instead, whose policy may write models as well."
    )
    assert not StoredEventRecord.objects.using(database).exists()


def test_its_database_is_that_of_its_position(configured, database):
    assert configured().get(Board).database == database


def fail_at(trick):
    def after(found):
        if found == trick:
            raise ValueError(f"dogs do not {found}")

    return after
