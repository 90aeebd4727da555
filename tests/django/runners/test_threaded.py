"""The threaded runner, on each database: followers process each event once, whatever happens."""

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, ThreadedRunner, pipe, worker
from django_eventsourcing.runners.deaths import Deaths
from eventsourcing import persistence
from tests.core.school import Counter, Counters, DogSchool, Tally
from tests.django.runners.servers import cut_connection, locked_out
from tests.django.schools import Obedient, Poisoned, add_tricks
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")

QUICK = {"retries": 2, "backoff": [0.01]}


def run_once(system, **kwargs):
    runner = ThreadedRunner(system, once=True, **kwargs)
    runner.start()
    assert runner.wait(60), runner.reports()
    return {(r.follower, r.upstream): r for r in runner.reports()}


def states(runner):
    return {report.follower: report.state for report in runner.reports()}


@pytest.fixture
def told(monkeypatch):
    """Return what tells the obedient follower what to do with each event."""
    return lambda function: monkeypatch.setattr(
        Obedient, "told", lambda self, domain_event: function(domain_event)
    )


def test_followers_catch_up_with_what_was_recorded_before(configured):
    system = configured()
    add_tricks(system, 5)

    with ThreadedRunner(system):
        wait_until(lambda: system.get(Tally).get_total() == 5, "tallied")

    assert system.get(Counters).get_count("sit") == 5


def test_commits_of_this_process_wake_the_followers_at_once(configured):
    system = configured(POLL_INTERVAL=3600)

    with ThreadedRunner(system) as runner:
        wait_until(lambda: set(states(runner).values()) == {State.CAUGHT_UP}, "idle")
        add_tricks(system, 3)
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")


def test_commits_of_other_processes_are_found_by_polling(configured):
    system = configured()
    # Another registry's applications know nothing of the runner, as in another process.
    other = ConfiguredSystem(system.config)

    with ThreadedRunner(system) as runner:
        wait_until(lambda: set(states(runner).values()) == {State.CAUGHT_UP}, "idle")
        add_tricks(other, 3)
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")


def test_once_catches_up_through_whole_pipelines_and_ends(configured):
    system = configured()
    add_tricks(system, 25)

    reports = run_once(system)

    assert system.get(Tally).get_total() == 25
    counted = reports["Counters", "DogSchool"]
    assert (counted.processed, counted.state) == (26, State.CAUGHT_UP)
    assert counted.position == counted.head
    tallied = reports["Tally", "Counters"]
    assert (tallied.processed, tallied.state) == (26, State.CAUGHT_UP)


def test_once_again_processes_nothing(configured):
    system = configured()
    add_tricks(system, 5)
    run_once(system)

    reports = run_once(system)

    assert [report.processed for report in reports.values()] == [0, 0]
    assert system.get(Tally).get_total() == 5


def test_batches_may_be_of_any_size(configured):
    system = configured(BATCH_SIZE=3)
    add_tricks(system, 10)

    reports = run_once(system)

    assert reports["Counters", "DogSchool"].processed == 11
    assert system.get(Counters).get_count("sit") == 10


def test_only_the_chosen_followers_run(configured):
    system = configured()
    add_tricks(system, 2)

    reports = run_once(system, followers=["Counters"])

    assert list(reports) == [("Counters", "DogSchool")]
    assert system.get(Tally).get_total() == 0


def test_a_rolled_back_save_prompts_nobody_and_records_nothing(configured, database, told):
    seen = []
    told(seen.append)
    system = configured("obedient_system", POLL_INTERVAL=3600)

    with ThreadedRunner(system) as runner:
        wait_until(lambda: set(states(runner).values()) == {State.CAUGHT_UP}, "idle")
        prompts = []
        original = runner.receive_recording_event
        runner.receive_recording_event = lambda event: (prompts.append(event), original(event))
        with transaction.atomic(using=database):
            add_tricks(system, 3, "lost")
            transaction.set_rollback(True, using=database)
        assert prompts == []
        add_tricks(system, 1, "kept")
        wait_until(lambda: system.get(Obedient).get_count("kept") == 1, "counted")

    assert [getattr(event, "trick", None) for event in seen] == [None, "kept"]


def test_a_prompt_leaves_when_the_outer_transaction_is_committed(configured, database, told):
    system = configured("obedient_system", POLL_INTERVAL=3600)

    with ThreadedRunner(system) as runner:
        wait_until(lambda: set(states(runner).values()) == {State.CAUGHT_UP}, "idle")
        with transaction.atomic(using=database):
            dog_id = add_tricks(system, 1)
            with transaction.atomic(using=database):
                system.get(DogSchool).add_trick(dog_id, "lost")
                transaction.set_rollback(True, using=database)
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")

    assert system.get(Obedient).get_count("lost") == 0


@pytest.mark.long_elsewhere("postgres")
def test_two_runners_at_once_process_each_event_once(configured):
    system = configured(BATCH_SIZE=5)
    other = ConfiguredSystem(system.config)
    dog_id = add_tricks(system, 1)

    with ThreadedRunner(system) as one, ThreadedRunner(other) as two:
        for _ in range(60):
            system.get(DogSchool).add_trick(dog_id, "sit")
        wait_until(lambda: system.get(Tally).get_total() >= 61, "tallied", 60)

    assert system.get(Counters).get_count("sit") == 61
    assert system.get(Tally).get_total() == 61
    assert State.FAILED not in {*states(one).values(), *states(two).values()}
    processed = [r.processed for r in one.reports() + two.reports() if r.follower == "Counters"]
    assert sum(processed) == 62


def test_many_writers_lose_nothing(configured):
    system = configured()
    school = system.get(DogSchool)

    def write(number):
        dog_id = school.register_dog(f"Dog {number}")
        for _ in range(10):
            school.add_trick(dog_id, f"trick {number}")
        connections.close_all()

    with ThreadedRunner(system), ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
        wait_until(lambda: system.get(Tally).get_total() == 40, "tallied", 60)

    counts = [system.get(Counters).get_count(f"trick {number}") for number in range(4)]
    assert counts == [10, 10, 10, 10]


def test_an_error_that_passes_is_retried(configured, told):
    failures = iter([ValueError("once"), ValueError("twice")])

    def fail_twice(domain_event):
        if getattr(domain_event, "trick", None) == "sit":
            for error in failures:
                raise error

    told(fail_twice)
    system = configured("obedient_system", ON_ERROR=QUICK)
    add_tricks(system, 3)

    reports = run_once(system)

    assert reports["Obedient", "DogSchool"].state is State.CAUGHT_UP
    assert system.get(Tally).get_total() == 3


def test_a_follower_that_fails_for_good_stops_and_the_others_go_on(configured, caplog):
    system = configured("poisoned_system", ON_ERROR=QUICK)
    school = system.get(DogSchool)
    dog_id = add_tricks(system, 3)
    school.add_trick(dog_id, "sing")
    school.add_trick(dog_id, "sit")

    with caplog.at_level(logging.WARNING, "django_eventsourcing"):
        reports = run_once(system)

    failed = reports["Poisoned", "DogSchool"]
    assert failed.state is State.FAILED
    assert failed.processed == 4
    position = failed.position
    assert position is not None
    assert failed.reason == (
        f"failed at DogSchool {position + 1} (tests.core.school:Dog.TrickAdded): "
        "ValueError: dogs do not sing"
    )
    assert system.get(Poisoned).get_count("sit") == 3
    assert reports["Tally", "Poisoned"].state is State.CAUGHT_UP
    assert reports["Counters", "DogSchool"].state is State.CAUGHT_UP
    assert system.get(Counters).get_count("sit") == 4
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert re.fullmatch(
        rf"Poisoned has {re.escape(failed.reason)} \(\w+\.py:\d+\); retry 1 of 2 in 0.01 s",
        warnings[0],
    )
    assert len(warnings) == 2
    (error,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert error.getMessage() == f"Poisoned has {failed.reason}; tried 3 times"
    assert error.exc_info is not None


def test_a_failed_follower_goes_on_after_the_cause_is_removed(configured, monkeypatch):
    system = configured("poisoned_system", ON_ERROR={"retries": 0})
    dog_id = add_tricks(system, 2)
    system.get(DogSchool).add_trick(dog_id, "sing")
    run_once(system)

    monkeypatch.delattr(Poisoned, "policy")
    reports = run_once(system)

    assert reports["Poisoned", "DogSchool"].state is State.CAUGHT_UP
    assert system.get(Poisoned).get_count("sit") == 2
    assert system.get(Poisoned).get_count("sing") == 1


def test_attempts_start_anew_at_each_notification(configured, told):
    failed = set()

    def fail_first(domain_event):
        if domain_event.originator_version not in failed:
            failed.add(domain_event.originator_version)
            raise ValueError("first time")

    told(fail_first)
    system = configured("obedient_system", BATCH_SIZE=1, ON_ERROR={"retries": 1, "backoff": [0]})
    add_tricks(system, 3)

    assert run_once(system)["Obedient", "DogSchool"].state is State.CAUGHT_UP


@pytest.mark.long_elsewhere("default")
@pytest.mark.parametrize("error", [SystemExit("out"), MemoryError("full")])
def test_a_thread_that_dies_again_and_again_is_reported_and_ends_the_run(
    configured, told, caplog, monkeypatch, error
):
    monkeypatch.setattr(
        ThreadedRunner, "deaths_class", staticmethod(partial(Deaths, backoff=(0.01,)))
    )

    def die(domain_event):
        raise error

    told(die)
    system = configured("obedient_system")
    add_tricks(system, 1)

    runner = ThreadedRunner(system)
    runner.start()
    assert runner.wait(30)

    reports = {report.follower: report for report in runner.reports()}
    assert reports["Obedient"].state is State.DIED
    assert reports["Obedient"].reason == f"{type(error).__name__}: {error}"
    assert caplog.messages.count("Obedient has died") == 5


def test_an_outage_is_told_once_and_not_counted_against_the_event(configured, told, caplog):
    outages = iter(range(2))

    def lock_out(domain_event):
        for _ in outages:
            raise locked_out()

    told(lock_out)
    system = configured("obedient_system", ON_ERROR={"retries": 0})
    add_tricks(system, 1)

    with caplog.at_level(logging.INFO, "django_eventsourcing"):
        reports = run_once(system)

    assert reports["Obedient", "DogSchool"].state is State.CAUGHT_UP
    messages = [r.getMessage() for r in caplog.records if r.getMessage().startswith("Obedient")]
    assert messages == [
        (
            "Obedient waits for the database and tries again: OperationalError: "
            "Database 'default': database is locked"
        ),
        "Obedient: the database is back",
    ]


def test_a_policy_that_reads_a_missing_table_fails_for_good(configured, database, told):
    def read(domain_event):
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT 1 FROM warehouse_block")

    told(read)
    system = configured("obedient_system", ON_ERROR=QUICK)
    add_tricks(system, 1)

    report = run_once(system)["Obedient", "DogSchool"]

    assert report.state is State.FAILED
    assert "warehouse_block" in report.reason


def test_a_follower_whose_position_cannot_be_read_fails_alone(configured, told):
    def fail(upstream_name):
        raise persistence.ProgrammingError("Database 'default' lacks a table or a column.")

    system = configured("poisoned_system", ON_ERROR=QUICK)
    add_tricks(system, 2)
    system.get(Poisoned).recorder.max_tracking_id = fail

    reports = run_once(system)

    failed = reports["Poisoned", "DogSchool"]
    assert failed.state is State.FAILED
    assert failed.reason == (
        "failed: ProgrammingError: Database 'default' lacks a table or a column."
    )
    assert reports["Counters", "DogSchool"].state is State.CAUGHT_UP
    assert system.get(Counters).get_count("sit") == 2


@pytest.mark.parametrize(
    "error_class", [persistence.IntegrityError, persistence.AlreadyProcessedError]
)
def test_a_broken_rule_of_the_policys_own_is_its_error(configured, told, error_class):
    def break_rule(domain_event):
        raise error_class("taken")

    told(break_rule)
    system = configured("obedient_system", ON_ERROR=QUICK)
    add_tricks(system, 1)

    report = run_once(system)["Obedient", "DogSchool"]

    assert (report.state, report.processed) == (State.FAILED, 0)
    assert report.reason.endswith(f"{error_class.__name__}: taken")


def test_a_lost_connection_is_opened_again(configured, database, told):
    if connections[database].vendor == "sqlite":
        pytest.skip("A file is not lost like a connection to a server.")
    cuts = iter(range(2))

    def cut_off(domain_event):
        for _ in cuts:
            cut_connection(database)
            return

    told(cut_off)
    system = configured("obedient_system", ON_ERROR={"retries": 0})
    add_tricks(system, 3)

    run_once(system)

    assert system.get(Tally).get_total() == 3


def test_a_stop_ends_the_batch_after_the_notification_in_hand(configured, told):
    in_hand, go_on = threading.Event(), threading.Event()

    def hold(domain_event):
        in_hand.set()
        assert go_on.wait(20)

    told(hold)
    system = configured("obedient_system")
    add_tricks(system, 10)

    runner = ThreadedRunner(system)
    runner.start()
    assert in_hand.wait(20)
    runner.stop()
    assert not runner.wait(0.05)
    go_on.set()
    assert runner.wait(20)

    report = runner.reports()[0]
    assert (report.processed, report.state) == (1, State.STOPPED)
    assert report.position is not None
    assert run_once(system)["Obedient", "DogSchool"].processed == 10
    assert system.get(Obedient).get_count("sit") == 10


def test_a_stopped_runner_leaves_no_thread_connection_or_prompt_behind(configured):
    before = threading.active_count()
    system = configured()

    with ThreadedRunner(system):
        add_tricks(system, 2)

    assert threading.active_count() == before
    assert system.get(DogSchool).followers == []


def test_progress_is_written_as_lines(configured):
    lines = []
    system = configured()
    add_tricks(system, 4)

    run_once(system, write=lines.append)

    assert sorted(line.partition("  ")[0] for line in lines) == ["Counters +5", "Tally +5"]


def test_progress_that_cannot_be_written_hurts_no_follower(configured, monkeypatch, caplog):
    def write(line):
        raise BrokenPipeError("nobody reads")

    monkeypatch.setattr(worker, "ProgressLog", partial(ProgressLog, interval=0))
    system = configured(ON_ERROR={"retries": 0})
    add_tricks(system, 4)

    reports = run_once(system, write=write)

    assert {report.state for report in reports.values()} == {State.CAUGHT_UP}
    assert "Counters cannot tell its progress: BrokenPipeError: nobody reads" in caplog.messages


def batch_ends(system, told):
    """Return, for each event, how many had been processed when it was committed."""
    seen, ends = [], []

    def note(domain_event):
        seen.append(domain_event)
        system.get(Obedient).recorder.on_commit(lambda: ends.append(len(seen)))

    told(note)
    run_once(system)
    return ends


def test_quick_policies_share_a_batch(configured, monkeypatch, told):
    monkeypatch.setattr(pipe, "_LONGEST_BATCH", 60.0)
    system = configured("obedient_system")
    add_tricks(system, 3)

    assert batch_ends(system, told) == [4, 4, 4, 4]


def test_a_batch_that_has_lasted_long_enough_ends(configured, monkeypatch, told):
    monkeypatch.setattr(pipe, "_LONGEST_BATCH", 0.0)
    system = configured("obedient_system")
    add_tricks(system, 3)

    assert batch_ends(system, told) == [1, 2, 3, 4]


def test_reports_can_do_without_the_database(configured, database):
    system = configured()
    add_tricks(system, 3)
    runner = ThreadedRunner(system, once=True)
    runner.start()
    assert runner.wait(60)

    with CaptureQueriesContext(connections[database]) as queries:
        report = runner.reports(look_up=False)[0]

    assert len(queries) == 0
    assert (report.follower, report.processed, report.state) == ("Counters", 4, State.CAUGHT_UP)


def test_a_system_without_followers_ends_at_once(configured):
    assert run_once(configured(), followers=[]) == {}


def test_counters_count_the_truth(configured):
    """The counter's own stream has one event for each trick: none is processed twice."""
    system = configured(BATCH_SIZE=4)
    add_tricks(system, 9)
    run_once(system)

    counter = system.get(Counters).repository.get(Counter.create_id("sit"))

    assert counter.version == 10
