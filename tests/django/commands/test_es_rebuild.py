"""``manage.py es_rebuild``: what it asks, says and refuses; and rows that are made again."""

import io
import re
import sys

import pytest

from django_eventsourcing import get_system, registry
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord, ProjectionRecord
from django_eventsourcing.projections.tables import ShadowTables
from eventsourcing.persistence import RecordConflictError
from tests.django.commands.calls import call, data_of
from tests.django.own_models.models import TrickCount
from tests.django.projections.rebuilds import (
    add_tricks,
    computed,
    positions,
    record_of,
    rows,
    spoil,
)
from tests.django.projections.rebuilt import Kennel, VersionedBoard
from tests.django.read_models.models import Dog, Lesson, Trick
from tests.django.runners.test_segments import run_once
from tests.django.schools import teach
from tests.django.status.rows import ago, held, told, worker_in

pytestmark = pytest.mark.long_elsewhere("mariadb")

KINDS = pytest.mark.parametrize("kind", [(), ("--shadow",)], ids=["in place", "shadow"])


@pytest.fixture
def configured(settings, database):
    """Configure a system of ``rebuilt``; return the setting, for other processes."""

    def configure(name="board_system", applications=None, **options):
        settings.DATABASE_ROUTERS = [f"tests.django.commands.routers.To{database.capitalize()}"]
        value = {
            "default": {
                "SYSTEM": f"tests.django.projections.rebuilt.{name}",
                "DATABASE": database,
                "APPLICATIONS": applications or {},
                "OPTIONS": {"POLL_INTERVAL": 0.05, "ON_ERROR": {"backoff": [0.05]}, **options},
            }
        }
        settings.EVENTSOURCING = value
        return value

    yield configure
    registry.reset()
    # Tables that a test has left would be in the way of the next one.
    for models in ([TrickCount], [Trick, Dog]):
        tables = ShadowTables(models, database)
        tables.drop()


@KINDS
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_rows_are_made_again(configured, database, kind, size):
    configured()
    add_tricks()
    run_once(get_system())
    head = positions(database)
    spoil(database)

    code, text = call("es_rebuild", "Board", "--noinput", f"--batch-size={size}", *kind)

    assert code == 0, text
    assert rows(database) == computed() == {"sit": 3, "beg": 1, "roll over": 1}
    assert positions(database) == head
    assert (record_of(database).kind, record_of(database).version) == ("", 1)
    how = "by shadow" if kind else "in place"
    assert f"Board is rebuilt {how}, as of version 1: 6 events in " in text


@KINDS
def test_what_comes_after_it_is_processed_once(configured, database, kind):
    configured()
    add_tricks()
    run_once(get_system())
    call("es_rebuild", "Board", "--noinput", *kind)
    add_tricks("sit")

    run_once(get_system())

    assert rows(database) == computed()


@KINDS
def test_all_segments_are_rebuilt(configured, database, kind):
    configured(applications={"Board": {"SEGMENTS": 3}})
    for _ in range(6):
        add_tricks("sit")
    run_once(get_system())
    spoil(database)

    code, text = call("es_rebuild", "Board", "--noinput", *kind)

    assert code == 0, text
    assert rows(database) == computed() == {"sit": 6}
    assert set(positions(database)) == {f"Board[{n}/3]" for n in (1, 2, 3)}
    add_tricks("sit")
    run_once(get_system())
    assert rows(database) == {"sit": 7}


@KINDS
def test_all_upstreams_are_processed_again(configured, database, kind):
    configured("wide_system")
    add_tricks()
    teach(get_system().get(Kennel), ["sit", "fly"])
    run_once(get_system())
    TrickCount.objects.using(database).update(count=99)

    code, text = call("es_rebuild", "Board", "--noinput", *kind)

    assert code == 0, text
    assert rows(database) == {"sit": 4, "beg": 1, "roll over": 1, "fly": 1}
    teach(get_system().get(Kennel), ["fly"])
    run_once(get_system())
    assert rows(database)["fly"] == 2


@KINDS
def test_tables_that_refer_to_one_another_are_made_again(configured, database, kind):
    configured("book_system")
    add_tricks()
    run_once(get_system())
    Dog.objects.using(database).create(name="nobody")

    code, text = call("es_rebuild", "DogBook", "--noinput", *kind)

    assert code == 0, text
    dog = Dog.objects.using(database).get()
    assert sorted(dog.tricks.values_list("name", flat=True)) == ["beg", "roll over", "sit"]


def test_the_plan_says_what_would_be_done_and_does_nothing(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    spoil(database)
    before = rows(database)
    ProjectionRecord.objects.using(database).create(application_name="Board", version=1, rate=2.0)

    assert call("es_rebuild", "Board", "--dry-run") == (
        0,
        (
            "Board is to be rebuilt in place, as of version 1\n"
            "  clears    own_models.TrickCount: 4 rows\n"
            "  replays   DogSchool: 6 events\n"
            "  takes     about 3 s, at 2.0/s as last time\n"
            "  Readers see an emptied table that fills again; with --shadow, they see the rows as they "
            "are until the new ones are complete.\n"
        ),
    )
    assert call("es_rebuild", "Board", "--dry-run", "--shadow")[1].startswith(
        "Board is to be rebuilt by shadow, as of version 1\n  replaces  own_models.TrickCount: 4"
    )
    assert rows(database) == before
    assert not record_of(database).kind


def test_many_rows_and_events_are_not_counted(configured, monkeypatch):
    configured()
    add_tricks()
    run_once(get_system())
    for module in ("clearing", "surveys"):
        monkeypatch.setattr(f"django_eventsourcing.rebuilding.{module}.COUNT_LIMIT", 2)

    code, text = call("es_rebuild", "Board", "--dry-run")

    assert code == 0
    assert "own_models.TrickCount: more than 2 rows\n" in text
    assert "replays   DogSchool: at most " in text


def test_json_tells_the_plan_and_what_was_done(configured):
    configured()
    add_tricks()

    code, data = data_of("es_rebuild", "Board", "--noinput")

    [plan], [done] = data["plans"], data["rebuilt"]
    assert code == 0
    assert plan == {
        "follower": "Board",
        "kind": "in place",
        "version": 1,
        "goes_on": False,
        "rows": {"own_models.TrickCount": {"number": 0, "is_bound": False}},
        "events": {"DogSchool": {"number": 6, "is_bound": False}},
        "rate": None,
        "seconds": None,
    }
    assert (done["follower"], done["events"], done["is_resumed"]) == ("Board", 6, False)


NOBODY = (
    "Nobody can be asked whether to begin.  HINT: Say so by --noinput, or look at the plan by "
    "--dry-run."
)


def test_without_a_terminal_it_has_to_be_told_not_to_ask(configured, monkeypatch):
    configured()
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))

    assert call("es_rebuild", "Board") == (2, NOBODY)
    assert call("es_rebuild", "Board", "--json") == (2, NOBODY)


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("y", 1), ("", 1)])
def test_it_asks_before_it_begins(configured, database, monkeypatch, answer, code):
    configured()
    add_tricks()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)

    found, text = call("es_rebuild", "Board")

    assert found == code
    assert asked == ["Type 'yes' to rebuild Board: "]
    assert rows(database) == (computed() if code == 0 else {})
    assert text.endswith("Nothing is rebuilt.") == (code == 1)


def test_names_that_are_not_a_followers(configured):
    configured(applications={"Board": {"SEGMENTS": 2}})

    assert call("es_rebuild", "Bord", "--noinput")[0] == 2
    assert call("es_rebuild", "Board[1/2]", "--noinput") == (
        2,
        "Board[1/2] is a segment.  HINT: Name the follower: Board.",
    )
    code, text = call("es_rebuild", "Board", "--noinput", "--system=other")
    assert (code, text.partition("  HINT")[0]) == (
        2,
        "There is no system 'other' in EVENTSOURCING.",
    )
    assert call("es_rebuild", "Board", "--dry-run", "--system=default")[0] == 0


def test_a_follower_that_records_events_is_refused(configured, database):
    configured("odd_system")
    add_tricks()
    run_once(get_system())
    refusal = (
        "Counters has recorded events of its own, and Tally may have processed them: to process "
        "its logs again would record them twice.  HINT: Let a ModelProjection beside it write the "
        "models, which can be rebuilt."
    )

    assert call("es_rebuild", "Counters", "--noinput") == (1, refusal)
    assert call("es_rebuild", "Counters", "--noinput", "--repeat-effects") == (1, refusal)


@KINDS
def test_one_that_has_recorded_none_is_rebuilt_when_told_so(configured, database, kind):
    configured("odd_system")
    add_tricks()
    run_once(get_system())
    spoil(database)

    assert call("es_rebuild", "Clerk", "--noinput", *kind) == (
        1,
        (
            "Clerk is no model projection: what its policy does besides writing models, such as "
            "sending mail, would be done again.  HINT: If nothing is wrong with that, say so by "
            "--repeat-effects; or derive it from ModelProjection."
        ),
    )
    code, text = call("es_rebuild", "Clerk", "--noinput", "--repeat-effects", *kind)
    assert code == 0, text
    assert rows(database) == computed()


@pytest.mark.parametrize(
    ("follower", "refusal"),
    [
        (
            "Nameless",
            (
                "Nameless does not say which models are its.  HINT: Name those that it writes, and "
                "nobody else, in the class attribute 'models'."
            ),
        ),
        (
            "Puppies",
            (
                "Puppies has models that inherit from others, which would keep their rows: "
                "read_models.Dog.  HINT: Name these in 'models', too."
            ),
        ),
    ],
)
def test_what_could_not_be_cleared_as_a_whole_is_refused(configured, follower, refusal):
    configured("odd_system")

    assert call("es_rebuild", follower, "--dry-run") == (1, refusal)


def test_rows_to_which_others_refer_are_not_cleared(configured, database):
    configured("book_system")
    add_tricks()
    run_once(get_system())
    trick = Trick.objects.using(database).get(name="sit")
    Lesson.objects.using(database).create(trick=trick)

    assert call("es_rebuild", "DogBook", "--noinput") == (
        1,
        (
            "DogBook cannot be cleared: rows of other tables refer to its rows, by "
            "read_models.Lesson.trick.  HINT: Rebuild it by --shadow, which keeps such rows; or name "
            "their models in 'models', if the projection writes them, too."
        ),
    )
    code, text = call("es_rebuild", "DogBook", "--noinput", "--shadow")
    assert code == 0, text
    assert Lesson.objects.using(database).get().trick.name == "sit"


def test_a_swap_that_is_refused_leaves_all_as_it_was(configured, database):
    configured("book_system")
    add_tricks()
    run_once(get_system())
    head = positions(database, "DogBook")
    fly = Trick.objects.using(database).create(id=99, name="fly", level=99)
    Lesson.objects.using(database).create(trick=fly)

    code, text = call("es_rebuild", "DogBook", "--noinput", "--shadow")

    assert code == 1
    assert "rows of other tables refer to rows which the new ones do not have: 1 in " in text
    assert positions(database, "DogBook").items() >= head.items()
    Lesson.objects.using(database).all().delete()
    code, text = call("es_rebuild", "DogBook", "--noinput", "--shadow")
    assert code == 0
    assert "DogBook goes on to be rebuilt by shadow" in text
    assert not Trick.objects.using(database).filter(name="fly").exists()
    assert positions(database, "DogBook") == head


@KINDS
def test_one_that_is_paused_is_left_alone(configured, database, kind):
    configured()
    add_tricks()
    call("es_pause", "Board", "--reason=prices, Ann")

    assert call("es_rebuild", "Board", "--noinput", *kind) == (
        1,
        "Board is paused: prices, Ann.  HINT: Let it go on: manage.py es_resume Board",
    )


@KINDS
def test_the_second_one_is_told_who_is_at_it(configured, database, kind):
    configured()
    add_tricks()
    ProjectionRecord.objects.using(database).create(
        application_name="Board",
        version=1,
        kind="shadow",
        step="filling",
        building=1,
        started_at="2026-01-02T12:00:00Z",
        worker=worker_in(database, name="es_rebuild"),
    )

    assert call("es_rebuild", "Board", "--noinput", *kind) == (
        1,
        (
            "Board is being rebuilt by shadow by es_rebuild (kennel, process 12), since 2026-01-02 "
            "12:00:00 UTC.  HINT: Wait for it; or end that process: es_rebuild then goes on from "
            "where it was."
        ),
    )
    assert call("es_rebuild", "Board", "--dry-run", *kind)[0] == 0


@KINDS
def test_workers_that_stay_busy_are_told(configured, database, kind):
    configured()
    add_tricks()
    run_once(get_system())
    spoil(database)
    held(database, "Board", worker=worker_in(database))

    code, text = call("es_rebuild", "Board", "--noinput", "--drain-timeout=0.1", *kind)

    assert code == 5
    assert text.endswith(
        "Not within 0.1 s: Board at rest.  HINT: Allow more by --drain-timeout, or stop the "
        "runners."
    )
    assert rows(database)["sit"] == 99
    paused = FollowerRecord.objects.using(database).filter(desired_state="paused")
    assert not paused.exists()


@KINDS
def test_a_projection_that_fails_goes_on_when_it_is_mended(configured, database, kind, monkeypatch):
    configured(ON_ERROR={"retries": 0})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "roll over")

    code, text = call("es_rebuild", "Board", "--noinput", *kind)

    assert code == 3
    assert "Board has failed at DogSchool " in text
    assert text.endswith(
        "ValueError: no roll over here.  HINT: Mend the cause, then run this again: it goes on "
        "from there."
    )
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    code, text = call("es_rebuild", "Board", "--noinput", *kind)
    assert code == 0
    assert "Board goes on to be rebuilt" in text
    assert "events in" in text
    assert rows(database) == computed()


class Failing:
    """Fails at a trick, each time by the next of these errors, the last of which stays."""

    def __init__(self, *errors):
        self.errors = errors
        self.singly = 0

    def __call__(self, board, trick):
        if trick == "roll over":
            self.singly += 1
            error = self.errors[min(self.singly, len(self.errors)) - 1]
            raise error


@pytest.fixture
def failing(monkeypatch):
    """Let the projection fail; return what counts how often it has."""

    def fail(*errors):
        found = Failing(*errors)
        monkeypatch.setattr(VersionedBoard, "after", lambda board, trick: found(board, trick))
        return found

    return fail


@KINDS
@pytest.mark.parametrize("then", ["stop", "park"])
def test_what_fails_twice_in_the_same_way_is_not_tried_for_long(
    configured, database, kind, failing, monkeypatch, then
):
    configured(ON_ERROR={"retries": 5, "backoff": [0.01], "then": then})
    add_tricks()
    # The text is another one each time, as that of a refused row whose new id it tells.
    found = failing(*(ValueError(f"no row {number}") for number in range(10)))

    code, text = call("es_rebuild", "Board", "--noinput", "--batch-size=1", *kind)

    assert found.singly == 2
    if then == "park":
        assert (code, "Board is rebuilt" in text) == (0, True)
        [letter] = DeadLetterRecord.objects.using(database).filter(is_behind=False)
        assert (letter.attempts, letter.error) == (2, "ValueError: no row 1")
    else:
        assert code == 3
        assert re.search(
            r"Board has failed at DogSchool \d+ \(tests\.core\.school:Dog\.TrickAdded\): "
            r"ValueError: no row 1\.  HINT: Mend the cause, then run this again: it goes on from "
            r"there\.$",
            text,
        )


@KINDS
def test_the_second_try_does_not_wait_for_long(configured, kind, failing, monkeypatch, caplog):
    configured(ON_ERROR={"retries": 5, "backoff": [600]})
    monkeypatch.setattr("django_eventsourcing.runners.worker._SOON", 0.01)
    add_tricks()
    failing(ValueError("no"))

    code, _ = call("es_rebuild", "Board", "--noinput", *kind)

    assert code == 3
    assert any(text.endswith("retry 1 of 5 in 0.01 s") for text in caplog.messages)


@KINDS
@pytest.mark.parametrize(
    "errors",
    [
        [ValueError("a"), KeyError("b"), ValueError("a"), KeyError("b")],
        [RecordConflictError("others were faster")],
    ],
    ids=["another each time", "conflicts"],
)
def test_what_may_pass_is_tried_as_often_as_is_set(configured, database, kind, failing, errors):
    configured(ON_ERROR={"retries": 3, "backoff": [0.01]})
    add_tricks()
    found = failing(*errors)

    code, _ = call("es_rebuild", "Board", "--noinput", "--batch-size=1", *kind)

    assert (code, found.singly) == (3, 4)


def test_run_system_tries_as_often_as_is_set(configured, failing):
    configured(ON_ERROR={"retries": 3, "backoff": [0.01]})
    add_tricks()
    found = failing(ValueError("no"))

    code, _ = call("run_system", "--once", "--noreload", "--batch-size=1")

    assert (code, found.singly) == (3, 4)


@KINDS
def test_what_is_parked_is_tried_again(configured, database, kind, monkeypatch):
    configured(ON_ERROR={"retries": 0, "then": "park"})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "beg")
    run_once(get_system())
    assert rows(database) == {"sit": 1}
    letters = DeadLetterRecord.objects.using(database)

    code, _ = call("es_rebuild", "Board", "--noinput", *kind)

    assert code == 0
    assert rows(database) == {"sit": 1}
    assert set(letters.values_list("application_name", "status")) == {("Board", "parked")}
    assert letters.count() == 4

    monkeypatch.setattr(VersionedBoard, "failing_trick", "")
    assert call("es_rebuild", "Board", "--noinput", *kind)[0] == 0
    assert rows(database) == computed()
    assert not letters.exists()


def test_a_failure_on_record_is_forgotten(configured, database):
    configured()
    add_tricks()
    run_once(get_system())
    told(
        database,
        "Board",
        state="failed",
        error="ValueError",
        upstream_name="DogSchool",
        notification_id=10**6,
        failed_at=ago(5),
    )

    assert call("es_rebuild", "Board", "--noinput")[0] == 0

    record = FollowerRecord.objects.using(database).get(application_name="Board")
    assert (record.state, record.error, record.notification_id) == ("caught up", "", None)


def test_a_shadow_that_was_begun_is_given_up_for_a_rebuild_in_place(
    configured, database, monkeypatch
):
    configured(ON_ERROR={"retries": 0})
    add_tricks()
    monkeypatch.setattr(VersionedBoard, "failing_trick", "roll over")
    assert call("es_rebuild", "Board", "--noinput", "--shadow")[0] == 3
    assert "Board[shadow]" in positions(database)
    monkeypatch.setattr(VersionedBoard, "failing_trick", "")

    assert call("es_rebuild", "Board", "--noinput")[0] == 0

    assert set(positions(database)) == {"Board"}
    assert rows(database) == computed()
