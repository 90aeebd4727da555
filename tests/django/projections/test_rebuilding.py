"""Rebuilding as a library: versions, what is cleared at once, and who holds what meanwhile."""

import logging

import pytest
from django.db import connections, transaction

from django_eventsourcing import get_system
from django_eventsourcing.admin.places import find_places
from django_eventsourcing.admin.positions import find_positions
from django_eventsourcing.models import FollowerRecord, ProjectionRecord, TrackingRecord
from django_eventsourcing.projections.tables import ShadowTables
from django_eventsourcing.rebuilding import (
    InPlaceRebuild,
    RebuildError,
    RebuildHeldError,
    RebuildRefusedError,
    ShadowRebuild,
)
from django_eventsourcing.rebuilding.clearing import clear
from django_eventsourcing.rebuilding.references import tables_of
from django_eventsourcing.rebuilding.surveys import Survey
from django_eventsourcing.rebuilding.versions import note_versions, projection_notices
from django_eventsourcing.recorders.errors import SynchronousFollowerError
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.segments import EVERYTHING, RETIRED
from django_eventsourcing.synchronous import Switching
from tests.core.school import Dog as DogOfSchool
from tests.databases import on
from tests.django.commands.calls import call, data_of
from tests.django.commands.processes import Manage
from tests.django.commands.test_es_rebuild import configured
from tests.django.own_models.models import TrickCount
from tests.django.projections.rebuilds import add_tricks, computed, record_of, rows, spoil
from tests.django.projections.rebuilt import Clerk, VersionedBoard
from tests.django.read_models.models import Dog, Trick
from tests.django.runners.test_segments import run_once
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")

__all__ = ["configured"]

DUE = (
    "Board has version 2, and its rows are of version 1: a rebuild is due.  "
    "HINT: manage.py es_rebuild Board --shadow"
)
OLDER = (
    "Board has version 1 in this code, and its rows are of version 2: older code is at work.  "
    "HINT: Start this process again with the code that is deployed now."
)


@pytest.fixture
def version(monkeypatch):
    """Return what makes the projection of another version."""
    return lambda number: monkeypatch.setattr(VersionedBoard, "version", number)


def interrupt(*args):
    raise KeyboardInterrupt


def words(system):
    return [notice.words for notice in projection_notices(system)]


def test_the_first_start_puts_the_version_on_record_silently(configured, database, version):
    configured()
    version(3)

    assert note_versions(get_system(), ["Board"]) == []

    assert record_of(database).version == 3


def test_a_higher_version_makes_a_rebuild_due(configured, database, version, caplog):
    configured()
    add_tricks()
    assert call("run_system", "--once", "--noreload")[0] == 0
    version(2)

    with caplog.at_level(logging.WARNING, "django_eventsourcing"):
        code, _ = call("run_system", "--once", "--noreload")

    assert code == 0
    assert DUE in caplog.messages
    assert DUE in call("es_status")[1]
    [system] = data_of("es_status")[1]["systems"]
    assert system["notices"] == [DUE]
    assert record_of(database).version == 1


@pytest.mark.parametrize("kind", [InPlaceRebuild, ShadowRebuild])
def test_a_rebuild_is_of_the_version_of_the_code(configured, database, version, kind):
    configured()
    add_tricks()
    note_versions(get_system(), ["Board"])
    run_once(get_system())
    version(2)

    result = kind(get_system(), "Board").run()

    assert result.version == record_of(database).version == 2
    assert rows(database) == computed(times=2)
    assert words(get_system()) == []


def test_older_code_leaves_the_version_and_rebuilds_nothing(configured, database, version):
    configured()
    add_tricks()
    version(2)
    note_versions(get_system(), ["Board"])
    version(1)

    assert [notice.words for notice in note_versions(get_system(), ["Board"])] == [OLDER]

    assert record_of(database).version == 2
    with pytest.raises(RebuildRefusedError) as raised:
        InPlaceRebuild(get_system(), "Board").run()
    assert str(raised.value) == (
        "Board has version 1 in this code, and its rows are of version 2.  HINT: Run this where "
        "the code is that is deployed now."
    )


def test_a_rebuild_that_was_begun_for_another_version_begins_anew(
    configured, database, version, monkeypatch
):
    configured(ON_ERROR={"retries": 0})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "roll over")
    assert call("es_rebuild", "Board", "--noinput", "--shadow")[0] == 3
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    version(2)

    result = ShadowRebuild(get_system(), "Board").run()

    assert (result.is_resumed, result.events) == (False, 6)
    assert rows(database) == computed(times=2)


def test_it_begins_anew_when_told_so(configured, monkeypatch):
    configured(ON_ERROR={"retries": 0})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "roll over")
    assert call("es_rebuild", "Board", "--noinput", "--shadow")[0] == 3
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")

    code, text = call("es_rebuild", "Board", "--noinput", "--shadow", "--anew")

    assert code == 0
    assert "Board is to be rebuilt by shadow" in text
    assert "version 1: 6 events in" in text


def test_pages_and_status_show_a_shadow_while_it_is_filled(configured, database, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    seen = []
    fill = ShadowRebuild._fill

    def look_after_it(rebuild):
        done = fill(rebuild)
        shadows = [each for each in find_positions(find_places()) if each.shadow_of]
        seen.append(([(each.follower, each.phrases) for each in shadows], call("es_status")[1]))
        return done

    monkeypatch.setattr(ShadowRebuild, "_fill", look_after_it)

    ShadowRebuild(get_system(), "Board").run()

    shown, status = seen[0]
    assert shown == [("Board[shadow]", ["shadow of Board, being filled"])]
    assert "Board is being rebuilt by shadow by es_rebuild" in status
    assert "Board[shadow]" not in status
    assert [each for each in find_positions(find_places()) if each.shadow_of] == []


def test_tables_that_are_made_once_more_are_filled_from_the_beginning(
    configured, database, monkeypatch
):
    """Ended between the tables and the positions, it leaves nothing to go on with."""
    configured(ON_ERROR={"retries": 0})
    add_tricks()
    run_once(get_system())
    monkeypatch.setattr(VersionedBoard, "failing_trick", "roll over")
    assert call("es_rebuild", "Board", "--noinput", "--shadow")[0] == 3
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    ShadowTables([TrickCount], database).drop()
    with monkeypatch.context() as patch:
        patch.setattr("django_eventsourcing.rebuilding.shadow.forget_shadow", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ShadowRebuild(get_system(), "Board").run()

    result = ShadowRebuild(get_system(), "Board").run()

    assert (result.is_resumed, result.events) == (False, 6)
    assert rows(database) == computed()


def test_a_shadow_records_no_events_beside_those_of_its_workers(configured, database, monkeypatch):
    configured("odd_system")
    add_tricks()
    run_once(get_system(), followers=["Clerk"])
    count_tricks = Clerk.policy

    def record(self, domain_event, processing_event):
        count_tricks(self, domain_event, processing_event)
        if getattr(domain_event, "trick", None) == "copy":
            processing_event.collect_events(DogOfSchool("Copy of Fido"))

    def fill(self):
        add_tricks("copy")
        run_once(get_system(), followers=["Clerk"])
        return fill_up(self)

    fill_up = ShadowRebuild._fill
    monkeypatch.setattr(Clerk, "policy", record)
    monkeypatch.setattr(ShadowRebuild, "_fill", fill)

    with pytest.raises(RebuildError) as raised:
        ShadowRebuild(get_system(), "Clerk", repeats_effects=True).run()

    assert str(raised.value) == (
        "Clerk was not rebuilt to the end: refused (Clerk records an event of its own, while its "
        "rows are made beside those in use: the event would be there twice.  HINT: Let a "
        "ModelProjection beside it write the models, which can be rebuilt).  HINT: Run this "
        "again: it goes on from there."
    )
    assert len(get_system().get(Clerk).recorder.select_notifications(None, 10)) == 1
    assert rows(database) == computed()


@pytest.mark.parametrize(
    ("kind", "step"),
    [(ShadowRebuild, "_fill"), (InPlaceRebuild, "drain")],
    ids=["shadow", "in place"],
)
def test_a_follower_that_becomes_synchronous_meanwhile_keeps_its_rows_and_stays_so(
    configured, database, monkeypatch, kind, step
):
    configured()
    add_tricks()
    run_once(get_system())
    configured(applications={"Board": {"SYNC": True}})
    system = get_system()
    do = getattr(kind, step)

    def switch_before(rebuild):
        monkeypatch.undo()
        Switching(system, "Board").make_synchronous()
        return do(rebuild)

    monkeypatch.setattr(kind, step, switch_before)
    with pytest.raises(SynchronousFollowerError, match="es_sync Board --off"):
        kind(system, "Board").run()

    assert system.get("Board").recorder.positions_in_force("DogSchool") == {
        "Board[sync]": EVERYTHING
    }
    add_tricks("beg")
    assert rows(database) == computed()


@pytest.mark.long_elsewhere("postgres")
def test_run_system_rebuilds_by_shadow_if_it_is_set_so(configured, database):
    setting = configured(REBUILD="shadow")
    add_tricks()
    note_versions(get_system(), ["Board"])
    run_once(get_system())
    env = {
        "TEST_ROUTERS": f'["tests.django.commands.routers.To{database.capitalize()}"]',
        "TEST_VERSION": "2",
    }

    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(lambda: rows(database) == computed(times=2), "rebuilt", 60)
        wait_until(lambda: record_of(database).version == 2, "on record", 60)
        wait_until(lambda: "es_rebuild: Board is rebuilt by shadow" in runner.output, "told", 60)
        add_tricks("sit")
        wait_until(lambda: rows(database) == computed(times=2), "processed", 60)


def test_only_projections_are_rebuilt_by_a_setting(configured):
    configured("odd_system", applications={"Counters": {"REBUILD": "shadow"}})

    code, text = call("es_status")

    assert code == 1
    assert text == (
        "EVENTSOURCING['default'] has REBUILD for Counters, which is no model projection: there is "
        "nothing that could be rebuilt.  HINT: Remove REBUILD from ['APPLICATIONS']['Counters'], or "
        "derive Counters from ModelProjection. (django_eventsourcing.E025)"
    )


def test_one_of_the_settings_may_be_another_one(configured):
    configured(applications={"Board": {"REBUILD": "manual"}}, REBUILD="shadow")

    config = get_system().config

    assert (config.rebuild_of("Board"), config.options.rebuild) == ("manual", "shadow")


def test_rows_and_positions_are_cleared_together_or_not_at_all(configured, database, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    before = rows(database)
    head = TrackingRecord.objects.using(database).get(application_name="Board").notification_id

    def fail(self):
        raise ValueError("in the midst of it")

    monkeypatch.setattr(InPlaceRebuild, "forget_letters", fail)
    with pytest.raises(ValueError, match="in the midst of it"):
        InPlaceRebuild(get_system(), "Board").run()

    assert rows(database) == before
    tracking = TrackingRecord.objects.using(database).get(application_name="Board")
    assert tracking.notification_id == head
    follower = FollowerRecord.objects.using(database).get(application_name="Board")
    assert (follower.desired_state, follower.lease_owner) == ("running", None)


@pytest.mark.long_elsewhere("default")
def test_a_worker_in_this_process_lets_go_and_takes_it_again(configured, database):
    configured()
    add_tricks()
    with ThreadedRunner(get_system()):
        wait_until(lambda: rows(database) == computed(), "processed")
        spoil(database)
        lines = []

        InPlaceRebuild(get_system(), "Board", write=lines.append).run()

        assert lines[0] == "Board: Board paused"
        assert rows(database) == computed()
        add_tricks("sit")
        wait_until(lambda: rows(database) == computed(), "taken again")


@pytest.mark.parametrize("segments", [1, 2])
def test_workers_wait_for_a_swap_that_was_left_and_go_on_by_themselves(
    configured, database, monkeypatch, caplog, segments
):
    configured(applications={"Board": {"SEGMENTS": segments}})
    add_tricks()
    run_once(get_system())
    positions = TrackingRecord.objects.using(database).in_force()
    names = list(positions.values_list("application_name", flat=True))
    head = positions.first().notification_id
    positions.update(notification_id=RETIRED)
    add_tricks("sit")
    looks = []
    is_being_swapped = Pipe.is_being_swapped
    monkeypatch.setattr(
        Pipe, "is_being_swapped", lambda pipe: looks.append(pipe) or is_being_swapped(pipe)
    )

    with ThreadedRunner(get_system()) as runner:
        wait_until(lambda: len(looks) > segments, "refused, and looked again")
        assert {each.state for each in runner.reports()} == {State.REFUSED}
        left = TrackingRecord.objects.using(database).filter(application_name__in=names)
        left.update(notification_id=head)
        wait_until(lambda: rows(database) == computed(), "processed", 30)

    told = [each.getMessage() for each in caplog.records if "is refused" in each.getMessage()]
    assert sorted(told) == [
        f"{name} is refused: Board has no position in DogSchool that is in force: its tables are "
        "being swapped.  HINT: If nobody is at it any more, complete it by 'manage.py es_rebuild "
        "Board --shadow'."
        for name in sorted(names)
    ]


def test_a_rebuild_that_is_begun_meanwhile_is_not_taken_for_the_one_that_is_over(
    configured, database, monkeypatch
):
    configured()
    add_tricks()
    with monkeypatch.context() as patch:
        patch.setattr(InPlaceRebuild, "_replay", interrupt)
        with pytest.raises(KeyboardInterrupt):
            InPlaceRebuild(get_system(), "Board").run()
    run_once(get_system())

    def begin_another(survey):
        with monkeypatch.context() as patch:
            patch.setattr(ShadowRebuild, "work", interrupt)
            with pytest.raises(KeyboardInterrupt):
                ShadowRebuild(get_system(), "Board").run()
        return is_caught_up(survey)

    is_caught_up = Survey.is_caught_up.func
    with monkeypatch.context() as patch:
        patch.setattr(Survey, "is_caught_up", property(begin_another))
        note_versions(get_system(), ["Board"])

    assert (record_of(database).kind, record_of(database).step) == ("shadow", "begun")


def test_who_comes_between_look_and_claim_is_refused(configured, database, monkeypatch):
    configured()
    add_tricks()
    other = InPlaceRebuild(get_system(), "Board")
    work, refused = InPlaceRebuild.work, []

    def beside(self, claim):
        with pytest.raises(RebuildHeldError) as raised:
            other.run()
        refused.append(str(raised.value))
        return work(self, claim)

    monkeypatch.setattr(InPlaceRebuild, "work", beside)
    InPlaceRebuild(get_system(), "Board").run()

    assert "Board is being rebuilt in place by es_rebuild (" in refused[0]
    assert rows(database) == computed()


@on("postgres")
@pytest.mark.parametrize("is_read", [False, True])
def test_large_tables_are_truncated_unless_readers_stay(database, monkeypatch, is_read):
    monkeypatch.setattr("django_eventsourcing.rebuilding.clearing.COUNT_LIMIT", 2)
    monkeypatch.setattr("django_eventsourcing.rebuilding.clearing._LOCK_TIMEOUT", "50ms")
    TrickCount.objects.using(database).bulk_create(TrickCount(trick=str(n)) for n in range(5))
    other = connections.create_connection(database)
    try:
        with other.cursor() as cursor, connections[database].cursor() as own:
            cursor.execute("BEGIN")
            if is_read:
                cursor.execute("SELECT count(*) FROM own_models_trickcount")
            with transaction.atomic(using=database):
                clear([TrickCount], database)
                own.execute(
                    "SELECT mode FROM pg_locks WHERE relation = 'own_models_trickcount'::regclass"
                    " AND pid = pg_backend_pid()"
                )
                modes = {mode for (mode,) in own.fetchall()}
            cursor.execute("ROLLBACK")
    finally:
        other.close()

    assert ("AccessExclusiveLock" in modes) is not is_read
    assert not TrickCount.objects.using(database).exists()


def test_tables_are_cleared_in_the_order_in_which_they_refer_to_one_another(database):
    group = Trick.objects.using(database).create(name="sit")
    harder = Trick.objects.using(database).create(name="beg", level=1, easier=group)
    Dog.objects.using(database).create(name="Fido", best=harder).tricks.add(group)

    with transaction.atomic(using=database):
        clear([Trick, Dog], database)

    assert tables_of([Trick, Dog]) == [Dog.tricks.through, Dog, Trick]
    assert not Trick.objects.using(database).exists()


def test_the_rate_is_on_record(configured, database):
    configured()
    add_tricks()

    InPlaceRebuild(get_system(), "Board").run()

    record = ProjectionRecord.objects.using(database).get()
    assert record.rate is not None
    assert record.rate > 0
    assert InPlaceRebuild(get_system(), "Board").plan().seconds == pytest.approx(6 / record.rate)
