"""``manage.py es_verify``: drift that is found and named, and what is left as it was."""

import re
from itertools import cycle
from random import Random
from threading import Thread

import pytest
from django.db import connections

from django_eventsourcing import get_system, registry
from django_eventsourcing.models import (
    DeadLetterRecord,
    FollowerRecord,
    ProjectionRecord,
    SnapshotRecord,
    StoredEventRecord,
    WorkerRecord,
)
from django_eventsourcing.projections.tables import ShadowTables
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.verifying import comparing, read_models
from eventsourcing.conformance import stored_event
from tests.core.school import DogSchool
from tests.django.commands.calls import call, data_of
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Kennel
from tests.django.projections.rebuilds import add_tricks, computed, positions, rows, spoil
from tests.django.projections.rebuilt import VersionedBoard
from tests.django.projections.verified import Stray
from tests.django.read_models.models import Dog, Trick
from tests.django.runners.test_segments import run_once
from tests.django.schools import teach
from tests.django.status.rows import held, worker_in

pytestmark = pytest.mark.long_elsewhere("postgres")

UNCHANGED = "  own_models.TrickCount: 3 rows, all as the events say\n"


@pytest.fixture
def configured(settings, database):
    """Configure a system, by default of ``rebuilt``."""

    def configure(name="rebuilt.board_system", applications=None, **options):
        settings.DATABASE_ROUTERS = [f"tests.django.commands.routers.To{database.capitalize()}"]
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.projections.{name}",
                "DATABASE": database,
                "APPLICATIONS": applications or {},
                "OPTIONS": {"POLL_INTERVAL": 0.05, "ON_ERROR": {"backoff": [0.05]}, **options},
            }
        }

    yield configure
    registry.reset()


def verify(*args):
    """Return the exit code, and what is said besides progress."""
    code, text = call("es_verify", *args)
    return code, re.sub(r"^\w+ (topics|events|replay) \+.*\n", "", text, flags=re.MULTILINE)


def tables_of(database):
    """Return the names of all tables, in whatever schema."""
    connection = connections[database]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT schemaname || '.' || tablename FROM pg_tables")
            return {name for (name,) in cursor.fetchall()}
        return set(connection.introspection.table_names(cursor))


def in_another_thread(work):
    """Do it, with connections of its own."""

    def do():
        try:
            work()
        finally:
            connections.close_all()

    thread = Thread(target=do)
    thread.start()
    thread.join()


def go_on():
    """Record more events, and let the projection process them."""
    add_tricks("sit", "fetch")
    run_once(get_system())


def test_what_is_as_it_should_be_is_no_finding_and_stays_so(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    head, tables = positions(database)["Board"], tables_of(database)

    code, text = verify()

    assert (code, text) == (
        0,
        (
            "DogSchool: 2 topics of 6 events, all resolve\n"
            "DogSchool: 1 aggregate: 6 events, all can be made again\n"
            "Board: 0 topics of 0 events, all resolve\n"
            "Board: 0 aggregates: 0 events, all can be made again\n"
            f"Board: 6 events replayed, compared as of DogSchool {head}\n{UNCHANGED}"
            "0 findings\n"
        ),
    )
    assert rows(database) == computed()
    assert positions(database) == {"Board": head}
    assert tables_of(database) == tables
    assert not FollowerRecord.objects.using(database).filter(application_name__contains="[")
    assert not WorkerRecord.objects.using(database).filter(name="es_verify")


def test_rows_that_were_changed_by_hand_are_named(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    spoil(database)
    TrickCount.objects.using(database).filter(trick="beg").delete()
    before = rows(database)

    code, text = verify("Board", "--only=rows")

    assert code == 1
    assert text.endswith(
        "  own_models.TrickCount: 3 rows, 1 changed, 1 missing, 1 surplus\n"
        "    trick='sit': count is 99, the events say 3\n"
        "    trick='fly': surplus, no events make such a row\n"
        "    trick='beg': missing, the events make such a row\n"
        "3 findings\n"
    )
    assert rows(database) == before


def test_json_tells_the_same(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    spoil(database)

    code, data = data_of("es_verify", "Board")

    assert code == 1
    assert data["findings"] == 2
    assert data["topics"] == [
        {"application": "DogSchool", "events": 6, "topics": 2, "unresolved": []}
    ]
    assert data["aggregates"] == [
        {
            "application": "DogSchool",
            "aggregates": 1,
            "events": 6,
            "read_only": 0,
            "snapshots": 0,
            "sample": None,
            "findings": 0,
            "faults": [],
        }
    ]
    [projection] = data["rows"]
    assert projection == {
        "follower": "Board",
        "events": 6,
        "left_out": 0,
        "positions": {"DogSchool": positions(database)},
        "models": [
            {
                "model": "own_models.TrickCount",
                "rows": 4,
                "changed": 1,
                "missing": 0,
                "surplus": 1,
                "left_out": [],
                "fault": "",
                "drifts": [
                    {
                        "kind": "changed",
                        "key": {"trick": "sit"},
                        "columns": [{"column": "count", "found": 99, "expected": 3}],
                    },
                    {"kind": "surplus", "key": {"trick": "fly"}, "columns": []},
                ],
            }
        ],
        "fault": "",
        "reason": "",
    }


def test_many_rows_that_differ_are_counted_and_the_first_are_shown(
    configured, database, monkeypatch
):
    configured()
    add_tricks()
    run_once(get_system())
    counts = TrickCount.objects.using(database)
    counts.bulk_create([TrickCount(trick=f"trick {n:02}") for n in range(25)])
    monkeypatch.setattr(comparing, "MOST_SHOWN", 2)
    monkeypatch.setattr(comparing, "PAGE", 4)

    code, text = verify("Board", "--only=rows")

    assert code == 1
    assert "28 rows, 25 surplus\n    trick='trick 00': surplus" in text
    assert text.endswith("    and 23 more\n25 findings\n")


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_rows_in_pages_are_compared_as_a_whole(configured, database, monkeypatch, size):
    configured(BATCH_SIZE=size)
    add_tricks(*"abcdefghij")
    run_once(get_system())
    TrickCount.objects.using(database).filter(trick="h").update(count=7)
    monkeypatch.setattr(comparing, "PAGE", 3)

    code, text = verify("Board", "--only=rows")

    assert code == 1
    assert "10 rows, 1 changed\n    trick='h': count is 7, the events say 1\n" in text


def test_tables_with_keys_of_their_own_are_compared_by_what_they_say(configured, database):
    configured("rebuilt.book_system")
    # Keys that are given by sequences are others than in the replay.
    Dog.objects.using(database).create(name="Rex").delete()
    add_tricks()
    run_once(get_system())
    assert verify("DogBook", "--only=rows")[0] == 0
    dog = Dog.objects.using(database).get()
    Trick.objects.using(database).filter(name="sit").update(price=8)
    Trick.objects.using(database).filter(name="roll over").update(easier=None)
    dog.tricks.remove(Trick.objects.using(database).get(name="beg"))
    Dog.objects.using(database).create(name="nobody")

    code, text = verify("DogBook", "--only=rows")

    assert code == 1
    assert text.partition("\n")[2] == (
        "  read_models.Trick: 3 rows, 2 changed\n"
        "    name='roll over': easier__name is None, the events say 'beg'\n"
        "    name='sit': price is 8, the events say 7\n"
        "    not compared: id\n"
        "  read_models.Dog: 2 rows, 1 surplus\n"
        "    name='nobody', best__name=None: surplus, no events make such a row\n"
        "    not compared: id\n"
        "  read_models.Dog_tricks: 2 rows, 1 missing\n"
        "    dog__name='Fido', trick__name='beg': missing, the events make such a row\n"
        "    not compared: id\n"
        "4 findings\n"
    )


def test_columns_may_be_ignored(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    TrickCount.objects.using(database).update(count=0)

    code, text = verify("Board", "--only=rows", "--ignore=own_models.TrickCount.count")

    assert code == 0
    assert "    not compared: count\n" in text


def test_segments_are_compared_each_as_of_its_own_position(configured, database):
    configured(applications={"Board": {"SEGMENTS": 3}})
    for trick in "abcdef":
        add_tricks(trick)
    run_once(get_system())
    [lagging, *_] = run_segments_behind(database)

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert positions(database)[lagging] < max(positions(database).values())
    assert "compared as of DogSchool " in text
    assert " to " in text.partition("\n")[0]


def run_segments_behind(database):
    """Let one segment of Board lag behind the others; return the names of all."""
    names = sorted(positions(database))
    call("es_pause", names[0], "--reason=test")
    for trick in "abcdefghijkl":
        add_tricks(trick)
    run_once(get_system())
    return names


def test_many_at_once_give_the_same_rows(configured):
    configured("verified.quick_system")
    add_tricks()
    run_once(get_system())

    assert verify("QuickBoard", "--only=rows")[0] == 0


def test_several_upstreams(configured, database):
    configured("verified.wide_system")
    for _ in range(3):
        add_tricks("sit")
        teach(get_system().get(Kennel), ["beg"])
    run_once(get_system())
    assert rows(database) == {"sit": 3, "beg": 3}

    code, text = verify("MixedBoard", "--only=rows")

    assert code == 0, text
    assert "12 events replayed, compared as of DogSchool " in text
    assert ", Kennel " in text


def test_one_that_has_processed_nothing_yet(configured):
    configured()
    add_tricks()

    code, text = verify("Board", "--only=rows")

    assert code == 0
    assert "Board: 0 events replayed, compared as of DogSchool 0\n" in text


def test_the_projection_goes_on_before_the_look(configured, database, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    looks = []
    look = read_models.one_look

    def late_look(alias, tables):
        if not looks:
            go_on()
        looks.append(alias)
        return look(alias, tables)

    monkeypatch.setattr(read_models, "one_look", late_look)

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert (
        f"Board: 9 events replayed, compared as of DogSchool {positions(database)['Board']}\n"
        in text
    )
    assert rows(database) == computed()


def test_the_projection_goes_on_during_the_look(configured, database, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    head = positions(database)["Board"]
    compare = read_models.compared

    def slow_compare(*args):
        in_another_thread(go_on)
        return compare(*args)

    monkeypatch.setattr(read_models, "compared", slow_compare)

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert f"compared as of DogSchool {head}\n{UNCHANGED}" in text
    assert rows(database)["fetch"] == 1


def test_one_that_never_rests_is_told(configured, database, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    look = read_models.one_look

    def late_look(alias, tables):
        go_on()
        return look(alias, tables)

    monkeypatch.setattr(read_models, "one_look", late_look)
    monkeypatch.setattr(read_models, "can_write_within", lambda _: False)
    monkeypatch.setattr(read_models, "_MOST_LOOKS", 2)
    tables = tables_of(database)

    code, text = verify("Board", "--only=rows")

    assert (code, text) == (
        1,
        (
            "Board: not verified: Board goes on faster than its rows can be looked at. HINT: Pause "
            "it for a while: manage.py es_pause Board --reason=es_verify\n1 finding\n"
        ),
    )
    assert tables_of(database) == tables


def test_what_was_set_aside_is_left_out(configured, database, monkeypatch):
    configured(ON_ERROR={"retries": 0, "then": "park"})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "beg")
    run_once(get_system())
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    assert DeadLetterRecord.objects.using(database).count() == 4

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert "  left out: 4 that are parked, skipped or discarded\n" in text
    assert call("es_retry", "Board")[0] == 0
    code, text = verify("Board", "--only=rows")
    assert code == 0, text
    assert "left out" not in text


@pytest.mark.parametrize("is_mended", [True, False])
def test_what_was_skipped_is_tried_where_a_rebuild_has_tried_it(
    configured, database, monkeypatch, is_mended
):
    configured(ON_ERROR={"retries": 0, "then": "skip"})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "beg")
    run_once(get_system())
    assert rows(database) == {"sit": 3, "roll over": 1}
    if is_mended:
        monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    assert call("es_rebuild", "Board", "--noinput")[0] == 0
    assert ("beg" in rows(database)) is is_mended

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert ("left out: 1 " in text) is not is_mended


def test_what_was_skipped_for_good_is_left_out(configured, database, monkeypatch):
    configured(ON_ERROR={"retries": 0, "then": "skip"})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "beg")
    run_once(get_system())
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert "left out: 1 " in text


def test_what_was_set_aside_is_processed_meanwhile(configured, monkeypatch):
    configured(ON_ERROR={"retries": 0, "then": "park"})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "beg")
    run_once(get_system())
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    look = read_models.one_look

    def late_look(alias, tables):
        assert call("es_retry", "Board")[0] == 0
        return look(alias, tables)

    monkeypatch.setattr(read_models, "one_look", late_look)

    code, text = verify("Board", "--only=rows")

    assert code == 1
    assert "What Board had set aside has been processed meanwhile. HINT: Run this again." in text


def test_an_event_that_cannot_be_processed_again_is_named(configured, monkeypatch, database):
    configured()
    add_tricks()
    run_once(get_system())
    monkeypatch.setattr(VersionedBoard, "failing_trick", "beg")
    third = StoredEventRecord.objects.using(database).order_by("id")[2].id
    tables = tables_of(database)

    code, text = verify("Board", "--only=rows")

    assert (code, text) == (
        1,
        (
            f"Board: not verified: Board cannot process notification {third} of DogSchool again: "
            "ValueError: no beg here\n1 finding\n"
        ),
    )
    assert tables_of(database) == tables


def test_a_projection_is_kept_from_writing_to_other_tables(configured, database):
    configured("verified.stray_system")
    add_tricks()
    run_once(get_system())

    code, text = verify("Stray", "--only=rows")

    assert code == 1
    assert re.search(
        r"Stray writes to .read_models_dog. of database '\w+', which is none of the tables of its "
        r"'models': it was kept from that, and cannot be verified. HINT: Name the model in "
        r"'models', if nobody else writes it.\n1 finding\n$",
        text,
    ), text
    assert Dog.objects.using(database).count() == 1


def test_a_projection_is_kept_from_recording_events(configured, database, monkeypatch):
    configured("verified.stray_system")
    add_tricks()
    elsewhere = DjangoApplicationRecorder("CatSchool", alias=database)

    monkeypatch.setattr(
        Stray, "process_event", lambda self, *args: elsewhere.insert_events([stored_event()])
    )
    run_once(get_system())
    before = elsewhere.max_notification_id()

    code, text = verify("Stray", "--only=rows")

    assert code == 1
    assert "Stray writes to" in text, text
    assert elsewhere.max_notification_id() == before


def test_tables_that_a_killed_process_has_left_are_made_anew(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    before = tables_of(database)
    tables = ShadowTables([TrickCount], database, purpose="scratch")
    tables.create()
    with tables.in_use():
        TrickCount.objects.using(database).create(trick="left", count=1)

    code, text = verify("Board", "--only=rows")

    assert code == 0, text
    assert tables_of(database) == before


def test_scratch_tables_keep_no_rows_of_other_tables_from_being_deleted(configured, database):
    configured("rebuilt.book_system")
    tables = ShadowTables([Trick, Dog], database, purpose="scratch")
    verification = read_models.ProjectionVerification(get_system(), "DogBook")

    with verification._made(tables), tables.in_use():
        # There is no such group, or no longer.
        Trick.objects.using(database).create(name="sit", group_id=10**6)
        assert Trick.objects.using(database).count() == 1

    assert Trick._meta.get_field("group").db_constraint


def test_the_second_one_is_told_who_is_at_it(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    held(database, "Board[scratch]", worker=worker_in(database, name="es_verify"))

    assert verify("Board", "--only=rows") == (
        1,
        (
            "Board is being verified by es_verify (kennel, process 12).  HINT: Wait for it; or end "
            "that process, and run this again after 15 seconds."
        ),
    )


@pytest.mark.parametrize(
    ("in_code", "hint"),
    [
        (1, "Run this again with the code that is deployed now."),
        (8, "Rebuild it first: manage.py es_rebuild Board --shadow"),
    ],
)
def test_rows_of_another_version_are_not_compared(configured, database, monkeypatch, in_code, hint):
    monkeypatch.setattr(VersionedBoard, "version", in_code)
    configured()
    add_tricks()
    run_once(get_system())
    ProjectionRecord.objects.using(database).update_or_create(
        application_name="Board", defaults={"version": 7}
    )

    code, text = verify("Board", "--only=rows")

    assert (code, text) == (
        1,
        (
            f"Board: not verified: its rows are of version 7, and it has version {in_code} in this "
            f"code. HINT: {hint}\n1 finding\n"
        ),
    )


def test_one_that_is_asked_to_stop_drops_its_tables(configured, database, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    tables = tables_of(database)

    class Asked:
        received = "SIGTERM"
        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *args: None  # noqa: E731

    monkeypatch.setattr("django_eventsourcing.management.commands.es_verify.StopSignals", Asked)

    assert verify("Board", "--only=rows") == (
        1,
        (
            "Ended before all was verified; scratch tables are dropped.  HINT: Run this again: it "
            "begins anew."
        ),
    )
    assert tables_of(database) == tables


def test_topics_that_stand_for_nothing_are_told(configured, database, monkeypatch):
    configured()
    add_tricks()
    monkeypatch.setattr("django_eventsourcing.verifying.topics.WINDOW", 2)
    events = StoredEventRecord.objects.using(database).order_by("id")
    second, third = events[1].id, events[2].id
    events.filter(id__in=[second, third]).update(topic="school.gone:Dog.TrickAdded")

    code, text = verify("--only=topics")

    assert code == 1
    assert (
        "DogSchool: 3 topics of 6 events, 1 do not resolve\n"
        f"  topic school.gone:Dog.TrickAdded: 2 events from id {second}: Topic "
        "'school.gone:Dog.TrickAdded' cannot be resolved: module 'school.gone' has not been imported"
    ) in text
    assert text.endswith("\n1 finding\n")


def test_gaps_and_events_that_cannot_be_read_are_told(configured, database, monkeypatch):
    configured()
    gap, damaged, headless, well = (add_tricks(*"abcde") for _ in range(4))
    monkeypatch.setattr("django_eventsourcing.verifying.aggregates.PAGE", 4)
    monkeypatch.setattr("django_eventsourcing.verifying.aggregates.GROUP", 3)
    events = StoredEventRecord.objects.using(database)
    events.filter(originator_id=gap, originator_version__in=[3, 4]).delete()
    events.filter(originator_id=damaged, originator_version=2).update(state=b"{")
    events.filter(originator_id=headless, originator_version=1).delete()

    code, text = verify("--only=aggregates")

    assert code == 1
    assert "DogSchool: 4 aggregates: 21 events, 3 faults\n" in text
    assert (
        f"  gap: {gap} at version 5: versions 3 to 4 missing: no event is recorded of it\n" in text
    )
    assert f"  unreadable: {damaged} at version 2: the event with topic " in text
    assert f"  not rebuilt: {headless} at version 2: Dog.TrickAdded: TypeError: " in text
    assert str(well) not in text
    assert text.endswith("3 findings\n")


def test_snapshots_are_compared_with_what_events_make(configured, database):
    configured(applications={"DogSchool": {"ENV": {"IS_SNAPSHOTTING_ENABLED": "y"}}})
    school = get_system().get(DogSchool)
    well, drifted, damaged, ahead = (add_tricks(*"abc") for _ in range(4))
    for dog_id in (well, drifted, damaged, ahead):
        school.take_snapshot(dog_id, version=2)
    snapshots = SnapshotRecord.objects.using(database)
    assert verify("--only=aggregates")[1].count("  4 snapshots compared\n") == 1
    state = bytes(snapshots.get(originator_id=drifted).state).replace(b'"a"', b'"z"')
    snapshots.filter(originator_id=drifted).update(state=state)
    snapshots.filter(originator_id=damaged).update(state=b"{")
    snapshots.filter(originator_id=ahead).update(originator_version=9)

    code, text = verify("--only=aggregates")

    assert code == 1
    assert (
        f"  snapshot: {drifted} at version 2: the snapshot differs from what the events make, in "
        "tricks\n"
    ) in text
    assert f"  snapshot: {damaged} at version 2: the snapshot cannot be read: " in text
    assert f"  snapshot: {ahead} at version 9: its events end at version 4\n" in text
    assert str(well) not in text
    assert text.endswith("3 findings\n")


def test_progress_is_told(configured):
    configured()
    add_tricks()
    run_once(get_system())

    _, text = call("es_verify", "Board", "--sample=100%")

    assert re.findall(r"^(\w+ \w+ \+\d+)  [\d,.]+/s", text, flags=re.MULTILINE) == [
        "DogSchool topics +6",
        "DogSchool events +6",
        "Board replay +6",
    ]


def test_a_sample_of_aggregates(configured, monkeypatch):
    configured()
    for _ in range(40):
        add_tricks("sit")
    numbers = cycle(n / 10 + 0.05 for n in range(10))
    monkeypatch.setattr(Random, "random", lambda self: next(numbers))

    code, text = verify("--only=aggregates", "--sample=10%")

    assert code == 0
    assert "DogSchool: 4 aggregates, a sample of 10%: 8 events, all can be made again\n" in text


def test_what_cannot_be_verified_is_a_finding_unless_it_is_named(configured):
    configured("verified.odd_system")
    words = (
        "Nameless does not say which models are its.  HINT: Name those that it writes, and nobody "
        "else, in the class attribute 'models'."
    )

    code, text = verify("--only=rows")

    assert (code, text) == (1, f"Nameless: not verified: {words.replace('  ', ' ')}\n1 finding\n")
    assert verify("Nameless") == (2, words)
    assert verify("Clerk") == (
        2,
        (
            "Clerk is no model projection: what its policy does besides writing models would be "
            "done again.  HINT: Derive it from ModelProjection to have its rows verified."
        ),
    )


def test_usage(configured):
    configured(applications={"Board": {"SEGMENTS": 2}})

    assert verify("Bord")[0] == 2
    assert verify("Board[1/2]") == (
        2,
        "Board[1/2] is a segment.  HINT: Name the follower: Board.",
    )
    code, text = verify("Board", "--system=other")
    assert (code, text.partition("  HINT")[0]) == (
        2,
        "There is no system 'other' in EVENTSOURCING.",
    )
    assert verify("--ignore=own_models.TrickCount.cound") == (
        2,
        (
            "--ignore own_models.TrickCount.cound: no projection to be verified has such a column.  "
            "HINT: Did you mean 'own_models.TrickCount.count'?"
        ),
    )


@pytest.mark.parametrize("text", ["0%", "101", "many"])
def test_a_sample_that_is_none(configured, text):
    configured()

    code, error = verify(f"--sample={text}")

    assert code != 0
    assert f"{text!r} is not a percentage above 0, up to 100%" in error
    assert verify("--sample=50%", "--only=topics")[0] == 0
