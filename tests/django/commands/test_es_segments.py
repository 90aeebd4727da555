"""``manage.py es_segments``: the number of segments changes, and each event is processed once."""

import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from django.db import connections

from django_eventsourcing import get_application, get_system, registry
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord, TrackingRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.segments import RETIRED, Segment
from django_eventsourcing.splitting import Splitting
from tests.databases import on
from tests.django.commands.calls import call, data_of
from tests.django.commands.processes import ROOT, Manage, child_environment
from tests.django.runners.test_segments import register_dogs, run_once
from tests.django.segmented import Counters, Diary, DogSchool
from tests.django.status.rows import held
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")


@pytest.fixture
def split(settings, database):
    """Return what sets the number of segments; return the setting, for other processes."""

    def configure(count, name="diary_system", follower="Diary", **options):
        value = {
            "default": {
                "SYSTEM": f"tests.django.segmented.{name}",
                "DATABASE": database,
                "APPLICATIONS": {follower: {"SEGMENTS": count}},
                "OPTIONS": {"POLL_INTERVAL": 0.05, "ON_ERROR": {"backoff": [0.05]}, **options},
            }
        }
        settings.EVENTSOURCING = value
        return value

    yield configure
    registry.reset()


def rows(database, follower="Diary"):
    """Return the positions by which the follower processes."""
    found = TrackingRecord.objects.using(database).in_force().like(follower)
    return dict(found.values_list("application_name", "notification_id"))


def assert_each_once_in_order(dogs, count):
    diary = get_application(Diary)
    assert {dog: diary.versions(dog) for dog in dogs} == {
        dog: list(range(1, count + 1)) for dog in dogs
    }


def test_with_nothing_to_change_it_says_so(split):
    split(4)

    assert call("es_segments", "Diary") == (
        0,
        "Diary has 4 segments, as the settings say: nothing is changed\n",
    )


@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 1), (2, 3)])
def test_new_segments_go_on_where_the_old_ones_were(split, database, before, after):
    split(before)
    dogs = register_dogs(get_system(), 6, 2)
    run_once(get_system())
    head = max(rows(database).values())
    split(after)

    code, text = call("es_segments", "Diary")

    now = "1 segment" if after == 1 else f"{after} segments"
    what = f"Diary has {now} instead of {before}, from DogSchool {head:,} on"
    assert (code, text.splitlines()[-1]) == (0, what)
    assert rows(database) == {s.name: head for s in get_system().segments_of("Diary")}
    for dog in dogs:
        get_application(DogSchool).add_trick(dog, "beg")
    run_once(get_system())
    assert_each_once_in_order(dogs, 4)


def test_json_tells_what_has_changed(split, database):
    split(1)
    register_dogs(get_system(), 2, 1)
    run_once(get_system())
    [head] = rows(database).values()
    split(2)

    code, data = data_of("es_segments", "Diary")

    assert (code, data) == (
        0,
        {
            "follower": "Diary",
            "segments": 2,
            "before": {"DogSchool": 1},
            "positions": {"DogSchool": head},
            "letters": 0,
        },
    )


def test_a_log_that_nobody_has_come_to_is_changed_with_the_others(split, database):
    split(1, "two_logs_system")
    register_dogs(get_system(), 2, 1)
    run_once(get_system(), followers=["Diary"])
    split(2, "two_logs_system")

    assert call("es_segments", "Diary")[0] == 0

    found = TrackingRecord.objects.using(database).upstream("Kennel")
    assert set(found.values_list("application_name", "notification_id")) == {
        ("Diary", RETIRED),
        ("Diary[1/2]", 0),
        ("Diary[2/2]", 0),
    }


def test_segments_that_lag_are_brought_to_where_the_furthest_is(split, database):
    split(3)
    dogs = register_dogs(get_system(), 8, 2)
    run_once(get_system(), followers=["Diary[2/3]"])
    split(1)

    assert call("es_segments", "Diary")[0] == 0

    assert set(rows(database)) == {"Diary"}
    assert_each_once_in_order(dogs, 3)


def test_what_a_worker_processes_meanwhile_is_not_processed_again(split, database, monkeypatch):
    """A worker that has not heard of the pause moves its position just before the change."""
    split(1)
    dogs = register_dogs(get_system(), 4, 1)
    run_once(get_system())
    worker = get_system().new_segment(Segment(follower="Diary"))
    school = get_system().get(DogSchool)
    worker.follow("DogSchool", school.notification_log, school.mapper)
    bring_together, brought = Splitting._bring_together, []

    def overtaken(self, *args):
        position = bring_together(self, *args)
        if not brought:
            for dog in dogs:
                get_application(DogSchool).add_trick(dog, "beg")
            worker.pull_and_process("DogSchool")
        brought.append(position)
        return position

    monkeypatch.setattr(Splitting, "_bring_together", overtaken)
    split(2)

    assert call("es_segments", "Diary")[0] == 0

    assert len(brought) == 2
    assert set(rows(database).values()) == {brought[-1]}
    run_once(get_system())
    assert_each_once_in_order(dogs, 3)


def test_a_segment_that_fails_keeps_the_old_number_in_force(split, database, monkeypatch):
    split(2)
    # So many that each segment has some.
    register_dogs(get_system(), 20, 1)
    run_once(get_system(), followers=["Diary[2/2]"])
    before = rows(database)
    split(1)
    monkeypatch.setattr(Diary, "failing_trick", "sit")

    code, text = call("es_segments", "Diary")

    assert code == 1
    assert "Diary[1/2] has failed at DogSchool " in text
    assert "ValueError: no sit here.  HINT: Mend the cause, or let es_skip" in text
    assert set(rows(database)) == set(before)
    records = FollowerRecord.objects.using(database)
    assert not records.filter(desired_state=FollowerRecord.DesiredState.PAUSED).exists()

    monkeypatch.setattr(Diary, "failing_trick", "")
    assert call("es_segments", "Diary")[0] == 0
    assert set(rows(database)) == {"Diary"}


@on("default", "postgres")
def test_workers_that_stay_busy_are_told(split, database):
    split(1)
    register_dogs(get_system(), 1, 1)
    run_once(get_system())
    FollowerRecord.objects.using(database).update(state="running")
    held(database, "Diary")
    split(2)

    code, text = call("es_segments", "Diary", "--drain-timeout=0.1")

    assert code == 5
    assert text.endswith(
        "Not within 0.1 s: Diary at rest.  HINT: Allow more by --drain-timeout, or stop the "
        "runners."
    )
    assert set(rows(database)) == {"Diary"}


@pytest.mark.long_elsewhere("postgres")
def test_a_worker_with_the_old_number_processes_nothing_after_the_change(split, database):
    split(1)
    dogs = register_dogs(get_system(), 4, 1)
    old = ConfiguredSystem(get_system().config)
    with ThreadedRunner(old) as runner:
        wait_until(lambda: all(len(get_application(Diary).versions(d)) == 2 for d in dogs), "all")
        split(4)
        assert call("es_segments", "Diary")[0] == 0
        for dog in dogs:
            get_application(DogSchool).add_trick(dog, "beg")
        wait_until(lambda: {r.state for r in runner.reports()} == {State.REFUSED}, "refused")
    assert_each_once_in_order(dogs, 2)

    run_once(get_system())

    assert_each_once_in_order(dogs, 3)


@pytest.mark.long_elsewhere("default")
def test_a_worker_with_the_new_number_begins_after_the_change(split):
    split(1)
    dogs = register_dogs(get_system(), 4, 1)
    run_once(get_system())
    split(2)
    with ThreadedRunner(get_system()) as runner:
        wait_until(lambda: {r.state for r in runner.reports()} == {State.REFUSED}, "refused")
        get_application(DogSchool).add_trick(dogs[0], "beg")

        assert call("es_segments", "Diary")[0] == 0

        wait_until(lambda: get_application(Diary).versions(dogs[0]) == [1, 2, 3], "processed")


def test_what_operators_have_paused_stays_paused(split, database):
    split(1)
    register_dogs(get_system(), 1, 1)
    run_once(get_system())
    call("es_pause", "Diary", "--reason=prices, Ann")
    split(2)

    call("es_segments", "Diary")

    records = FollowerRecord.objects.using(database).values_list(
        "application_name", "desired_state", "desired_reason"
    )
    assert set(records) == {(f"Diary[{n}/2]", "paused", "prices, Ann") for n in (1, 2)}


@pytest.mark.long_elsewhere("postgres")
def test_dead_letters_go_to_the_segment_of_their_aggregate(split, database, monkeypatch):
    parking = {"retries": 0, "then": "park"}
    split(1, ON_ERROR=parking)
    dogs = register_dogs(get_system(), 6, 2, names=("sing", "sit"))
    monkeypatch.setattr(Diary, "failing_trick", "sing")
    run_once(get_system())
    split(4, ON_ERROR=parking)

    code, text = call("es_segments", "Diary")

    assert (code, text.splitlines()[-1]) == (
        0,
        "12 of its dead letters go by other segments now",
    )
    letters = DeadLetterRecord.objects.using(database)
    assert all(
        Segment.parse(each.application_name).has(each.originator_id) for each in letters.all()
    )
    for dog in dogs:
        get_application(DogSchool).add_trick(dog, "beg")
    run_once(get_system())
    assert_each_once_in_order(dogs, 1)

    monkeypatch.setattr(Diary, "failing_trick", "")
    for segment in get_system().segments_of("Diary"):
        assert call("es_retry", segment.name)[0] == 0
    assert_each_once_in_order(dogs, 4)


def test_other_commands_know_segments_by_their_names(split, database):
    split(2)
    register_dogs(get_system(), 2, 1)
    run_once(get_system())

    assert call("es_pause", "Diary[2/2]", "--reason=prices") == (
        0,
        "Diary[2/2] is paused: prices\n",
    )
    assert data_of("es_pause", "Diary", "--reason=prices")[1]["paused"] == [
        "Diary[1/2]",
        "Diary[2/2]",
    ]
    names = ["Diary[1/2]", "Diary[2/2]"]
    assert data_of("es_resume", "Diary")[1] == {"resumed": names, "waiting": names}
    _, data = data_of("es_status")
    [system] = data["systems"]
    assert [each["name"] for each in system["followers"]] == ["Diary[1/2]", "Diary[2/2]"]
    assert [each["pipes"][0]["behind"] for each in system["followers"]] == [0, 0]
    assert call("es_deadletters", "Diary") == (0, "Nothing is parked\n")
    assert call("es_retry", "Diary") == (
        2,
        "Diary is split into 2 segments.  HINT: Name one of them: Diary[1/2], Diary[2/2].",
    )
    assert call("es_retry", "Diary[1/2]") == (
        0,
        "Diary[1/2] has nothing parked, and has not stopped\n",
    )


def test_what_is_refused_is_told_by_the_run_and_by_the_status(split):
    split(1)
    register_dogs(get_system(), 1, 1)
    run_once(get_system())
    split(2)

    code, text = call("run_system", "--once", "--noreload", "--only=Diary[2/2]")

    assert code == 1
    why = "Diary is set to 2 segments, and its positions in DogSchool are for 1."
    assert f"Diary[2/2]: {why}" in text
    assert text.endswith(
        "Not caught up: Diary[2/2] refused.  HINT: Run 'manage.py es_segments FOLLOWER' if its "
        "SEGMENTS are to be as they are set now."
    )
    code, text = call("es_status")
    assert code == 1
    for name in ("Diary[1/2]", "Diary[2/2]"):
        assert (
            f"\n{name} waits for a change of its segments: {why} HINT: If 2 is the new number, run "
            "'manage.py es_segments Diary'; "
        ) in text
    pipe = data_of("es_status")[1]["systems"][0]["followers"][0]["pipes"][0]
    assert pipe["segments_in_force"] == 1


@pytest.mark.parametrize("option", ["--only=Diary", "--exclude=Diary[1/2]"])
def test_segments_can_be_chosen(split, option):
    split(2)

    code, text = call("run_system", "--once", "--noreload", option)

    assert code == 0
    [line] = [line for line in text.splitlines() if line.startswith("  followers ")]
    chosen = {"--only=Diary": "Diary[1/2], Diary[2/2]", "--exclude=Diary[1/2]": "Diary[2/2]"}
    assert line == f"  followers  {chosen[option]}"


def test_a_follower_of_one_segment_is_named_by_its_name(split):
    split(4)

    code, text = call("es_segments", "Diary[1/4]")

    assert (code, text) == (2, "Diary[1/4] is a segment.  HINT: Name the follower: Diary.")


DYING = """
import os, signal, sys
import django
django.setup()
from django_eventsourcing import get_system
from django_eventsourcing.draining import Drain
from django_eventsourcing.splitting import Splitting

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(method):
    return lambda *args: (method(*args), die())

point = sys.argv[1]
if point == "paused":
    Drain._wait = die
elif point == "brought together":
    Splitting._take_over = die
elif point == "changed":
    Splitting._move_records = die_after(Splitting._move_records)
elif point == "committed":
    Splitting._take_over = die_after(Splitting._take_over)
Splitting(get_system(), "Diary").run()
"""


@pytest.mark.faults
@pytest.mark.parametrize(
    "point",
    [
        pytest.param("paused", marks=pytest.mark.long_elsewhere("default")),
        pytest.param("brought together", marks=pytest.mark.long_elsewhere("postgres")),
        pytest.param("changed", marks=pytest.mark.long_elsewhere("mariadb")),
        pytest.param("committed", marks=pytest.mark.long_elsewhere("mariadb")),
    ],
)
def test_killed_at_any_point_it_completes_when_it_is_run_again(split, database, point):
    split(2)
    dogs = register_dogs(get_system(), 6, 2)
    run_once(get_system(), followers=["Diary[1/2]"])
    setting = split(3)
    process = subprocess.run(
        [sys.executable, "-c", DYING, point],
        cwd=ROOT,
        env=child_environment(setting),
        check=False,
        timeout=60,
    )
    assert process.returncode == -signal.SIGKILL
    assert set(rows(database)) == {
        s.name for s in get_system().segments_of("Diary") if point == "committed"
    } | {f"Diary[{n}/2]" for n in (1, 2) if point != "committed"}

    assert call("es_segments", "Diary")[0] == 0

    run_once(get_system())
    assert set(rows(database)) == {f"Diary[{n}/3]" for n in (1, 2, 3)}
    assert_each_once_in_order(dogs, 3)


@pytest.mark.faults
@pytest.mark.parametrize(
    "point",
    [
        pytest.param("policy", marks=pytest.mark.stress),
        pytest.param("commit", marks=pytest.mark.long_elsewhere("mariadb")),
    ],
)
@on("postgres", "mariadb")
def test_killed_while_it_processes_the_rest_it_completes_when_run_again(
    split, database, point, tmp_path
):
    split(2, "mortal_system", "Mortal")
    register_dogs(get_system(), 20, 1)
    run_once(get_system(), followers=["Mortal[1/2]"])
    env = {"TEST_KILL_AT": point, "TEST_KILL_FILE": str(tmp_path / "died")}
    setting = split(1, "mortal_system", "Mortal")
    with Manage("es_segments", "Mortal", eventsourcing=setting, env=env) as command:
        assert command.wait() == -signal.SIGKILL

    with Manage("es_segments", "Mortal", eventsourcing=setting, env=env) as command:
        assert command.wait() == 0, command.output

    assert set(rows(database, "Mortal")) == {"Mortal"}
    assert get_application("Mortal").get_count("sit") == 20


class Writer(threading.Thread):
    """Adds tricks until it is told to stop."""

    def __init__(self, dogs):
        super().__init__(daemon=True)
        self.dogs, self.count, self._stopping = dogs, 0, threading.Event()
        # Settings change meanwhile, which closes what the registry has built.
        self._school = ConfiguredSystem(get_system().config).get(DogSchool)

    def run(self):
        try:
            while not self._stopping.wait(0.02):
                self._school.add_trick(self.dogs[self.count % len(self.dogs)], "sit")
                self.count += 1
        finally:
            connections.close_all()

    def stop(self):
        self._stopping.set()
        self.join()


@pytest.mark.faults
@on("postgres", "mariadb")
def test_the_number_changes_under_load_with_old_runners_going_on(split, database):
    setting = split(1, "system")
    writer = Writer(register_dogs(get_system(), 10, 1))
    writer.start()
    with ExitStack() as stack:
        runners = [stack.enter_context(Manage("run_system", eventsourcing=setting))]
        wait_until(lambda: get_application(Counters).get_count("sit") > 20, "running", 60)
        for count in (4, 2, 1):
            setting = split(count, "system")
            # One of them is there before the change, and waits for it.
            runners.append(stack.enter_context(Manage("run_system", eventsourcing=setting)))
            assert call("es_segments", "Diary")[0] == 0
            if count == 4:
                runners.append(stack.enter_context(Manage("run_system", eventsourcing=setting)))
            before = min(rows(database).values())
            wait_until(lambda start=before: min(rows(database).values()) > start, "goes on", 60)
        writer.stop()
        diary = get_application(Diary)
        total = writer.count + 2 * len(writer.dogs)
        wait_until(
            lambda: sum(len(diary.versions(dog)) for dog in writer.dogs) >= total, "all of it", 60
        )
        counted = writer.count + len(writer.dogs)
        wait_until(lambda: get_application(Counters).get_count("sit") >= counted, "counted", 60)
        # One that has only just been started would be ended by the signal.
        started = [lambda runner=runner: "wake-up" in runner.output for runner in runners]
        wait_until(lambda: all(is_up() for is_up in started), "started", 60)
        for runner in runners:
            runner.send(signal.SIGTERM)
        codes = [runner.wait() for runner in runners]
        assert set(codes) == {0}, [runner.output for runner in runners]

    for dog in writer.dogs:
        versions = diary.versions(dog)
        assert versions == list(range(1, len(versions) + 1))
    assert sum(len(diary.versions(dog)) for dog in writer.dogs) == total
    assert get_application(Counters).get_count("sit") == counted
