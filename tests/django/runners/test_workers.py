"""Several runners at once: each follower has one of them, and never none for long."""

import logging
import threading
import time
from contextlib import ExitStack

import pytest
from django.db import connections

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord, WorkerRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.runners.deaths import Deaths
from django_eventsourcing.runners.keeper import Account, LeaseKeeper
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.runners.worker import FollowerWorker
from eventsourcing.system import System
from tests.core.school import Counters, DogSchool, Tally
from tests.databases import on
from tests.django.runners.servers import locked_out
from tests.django.schools import Obedient, Poisoned, add_tricks
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")

PAUSED, RUNNING = FollowerRecord.DesiredState.PAUSED, FollowerRecord.DesiredState.RUNNING


class QuickDeaths(Deaths):
    """Is over each death in no time."""

    def __init__(self):
        super().__init__(backoff=(0.01,))


class QuickRunner(ThreadedRunner):
    """Looks often, and waits for others not as long."""

    lease_timing = LeaseTiming(look=0.05, heartbeat=0.2, duration=2.0, grace=0.5)
    deaths_class = QuickDeaths


def another(system):
    """Return the same system as in another process."""
    return ConfiguredSystem(system.config, system.system)


def states(runner):
    return {report.follower: report.state for report in runner.reports(look_up=False)}


def held_by(runner):
    return [
        name
        for name, state in states(runner).items()
        if state in ("caught up", "running", "failed")
    ]


def record(system, name):
    return FollowerRecord.objects.using(system.database_of(name)).get(application_name=name)


def change(system, name, **values):
    FollowerRecord.objects.using(system.database_of(name)).filter(application_name=name).update(
        **values
    )


def wait_for_states(runner, *expected):
    wait_until(lambda: list(states(runner).values()) == list(expected), f"{expected}")


@pytest.fixture
def told(monkeypatch):
    """Return what tells the obedient follower what to do with each event."""
    return lambda function: monkeypatch.setattr(
        Obedient, "told", lambda self, domain_event: function(domain_event)
    )


def test_a_runner_is_on_record_until_it_has_stopped(configured, database):
    system = configured()

    with ThreadedRunner(system, worker_name="barn") as runner:
        wait_for_states(runner, State.CAUGHT_UP, State.CAUGHT_UP)
        worker = WorkerRecord.objects.using(database).get()
        assert (worker.name, worker.followers) == ("barn", ["Counters", "Tally"])
        wait_until(lambda: record(system, "Tally").state == "caught up", "on record")
        assert record(system, "Tally").lease_owner == worker.id

    assert not WorkerRecord.objects.using(database).exists()
    assert record(system, "Tally").lease_owner is None
    assert record(system, "Tally").state == "caught up"


@pytest.mark.long_elsewhere("mariadb")
def test_one_runner_holds_a_follower_and_another_takes_over_when_it_stops(configured):
    system = configured()
    one, two = ThreadedRunner(system), ThreadedRunner(another(system))
    with two:
        one.start()
        both = lambda: sorted(held_by(one) + held_by(two))  # noqa: E731
        wait_until(lambda: both() == ["Counters", "Tally"], "held")
        wait_until(lambda: len(held_by(one)) == 1, "shared")

        one.stop()
        assert one.wait(20)
        stopped_at = time.monotonic()
        wait_until(lambda: held_by(two) == ["Counters", "Tally"], "taken over")

        assert time.monotonic() - stopped_at < 2.0


def test_what_a_dead_worker_held_is_taken_over_when_its_lease_ends(configured, monkeypatch):
    system = configured()
    one, two = QuickRunner(system), QuickRunner(another(system))
    one.start()
    wait_for_states(one, State.CAUGHT_UP, State.CAUGHT_UP)
    # It goes without a word.
    monkeypatch.setattr(LeaseTable, "leave", lambda self: None)
    one.stop()
    assert one.wait(20)
    monkeypatch.undo()
    ended_at = time.monotonic()

    add_tricks(system, 3)
    with two:
        wait_for_states(two, State.STAND_BY, State.STAND_BY)
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")

    assert time.monotonic() - ended_at < 4.0
    assert record(system, "Tally").lease_epoch == 2


class Kennel:
    """Six followers, for runners to share."""

    classes = tuple(type(f"Counters{n}", (Obedient,), {"name": f"Counters{n}"}) for n in range(6))
    system = System(pipes=[[DogSchool, cls] for cls in classes])


@pytest.mark.long_elsewhere("mariadb")
@pytest.mark.parametrize(("number", "fair"), [(2, [3, 3]), (5, [1, 1, 1, 1, 2])])
def test_runners_have_fair_shares(configured, number, fair):
    config = configured().config
    systems = [ConfiguredSystem(config, Kennel.system) for _ in range(number)]
    runners = [QuickRunner(system) for system in systems]

    def shares():
        return sorted(len(held_by(runner)) for runner in runners)

    with ExitStack() as stack:
        for runner in runners:
            stack.enter_context(runner)
        wait_until(lambda: shares() == fair, f"{fair}")
        epochs = [record(systems[0], cls.name).lease_epoch for cls in Kennel.classes]
        add_tricks(systems[0], 5)
        for cls in Kennel.classes:
            wait_until(lambda cls=cls: systems[0].get(cls).get_count("sit") == 5, "counted")

        # Nothing is passed to and fro.
        assert [record(systems[0], c.name).lease_epoch for c in Kennel.classes] == epochs
        assert shares() == fair
        runners[0].stop()
        assert runners[0].wait(20)
        wait_until(lambda: sum(shares()) == 6 + len(held_by(runners[0])), "taken over")


def test_a_runner_leaves_its_surplus_to_one_that_comes_later(configured):
    system = configured()

    with QuickRunner(system) as one:
        wait_for_states(one, State.CAUGHT_UP, State.CAUGHT_UP)
        with QuickRunner(another(system)) as two:
            wait_until(lambda: len(held_by(one)) == len(held_by(two)) == 1, "shared")
        wait_until(lambda: len(held_by(one)) == 2, "taken over")


class Held:
    """A policy that waits in the middle of its work."""

    def __init__(self):
        self.in_hand, self.go_on = threading.Event(), threading.Event()

    def __call__(self, domain_event):
        self.in_hand.set()
        assert self.go_on.wait(20)


# On SQLite, a policy at work keeps all others from writing, the keepers included.
@on("postgres", "mariadb")
def test_a_batch_is_finished_before_its_follower_is_left_to_another(configured, told):
    told(policy := Held())
    system = configured("obedient_system")
    add_tricks(system, 4)

    with QuickRunner(system) as one:
        assert policy.in_hand.wait(20)
        owner = record(system, "Obedient").lease_owner
        with QuickRunner(another(system), followers=["Obedient"]) as two:
            wait_until(lambda: not one._workers[0].hold.is_held, "to be left to the other")
            assert record(system, "Obedient").lease_owner == owner
            assert one._workers[0].hold.is_busy
            policy.go_on.set()
            wait_until(lambda: record(system, "Obedient").lease_owner != owner, "left")
            wait_until(lambda: system.get(Tally).get_total() == 4, "tallied")

    processed = [r.processed for r in one.reports() + two.reports() if r.follower == "Obedient"]
    assert processed == [1, 4]


def test_a_worker_that_cannot_prolong_its_leases_stops_in_time_and_comes_back(
    configured, monkeypatch, caplog
):
    system = configured()
    with QuickRunner(system) as one:
        wait_for_states(one, State.CAUGHT_UP, State.CAUGHT_UP)
        with caplog.at_level(logging.INFO, "django_eventsourcing"), monkeypatch.context() as away:
            away.setattr(Account, "_attend", lambda self: (_ for _ in ()).throw(locked_out()))
            wait_for_states(one, State.STAND_BY, State.STAND_BY)
            add_tricks(system, 3)
            assert system.get(Tally).get_total() == 0
        wait_until(lambda: system.get(Tally).get_total() == 3, "tallied")

    told = [r for r in caplog.records if "leases in database" in r.getMessage()]
    alias = system.database_of("Tally")
    assert told[0].levelno == logging.WARNING
    assert told[0].getMessage() == (
        f"The leases in database {alias!r} wait for it: OperationalError: "
        "Database 'default': database is locked"
    )
    assert len([r for r in told if r.levelno == logging.WARNING]) == 1


@pytest.mark.long_elsewhere("mariadb")
def test_a_paused_follower_rests_and_goes_on_when_it_is_resumed(configured):
    system = configured()
    with ThreadedRunner(system) as runner:
        wait_for_states(runner, State.CAUGHT_UP, State.CAUGHT_UP)
        change(system, "Counters", desired_state=PAUSED)
        asked_at = time.monotonic()
        wait_for_states(runner, State.PAUSED, State.CAUGHT_UP)
        assert time.monotonic() - asked_at < 2.0
        wait_until(lambda: record(system, "Counters").state == "paused", "on record")
        add_tricks(system, 2)
        assert system.get(Counters).get_count("sit") == 0

        change(system, "Counters", desired_state=RUNNING)
        wait_until(lambda: system.get(Tally).get_total() == 2, "tallied")


@on("postgres", "mariadb")
def test_a_pause_ends_the_batch_after_the_notification_in_hand(configured, told):
    told(policy := Held())
    system = configured("obedient_system")
    add_tricks(system, 5)

    with QuickRunner(system) as runner:
        assert policy.in_hand.wait(20)
        change(system, "Obedient", desired_state=PAUSED)
        wait_until(lambda: runner._workers[0].hold.is_paused, "asked to pause")
        policy.go_on.set()
        wait_until(lambda: states(runner)["Obedient"] is State.PAUSED, "paused")

        assert runner.reports()[0].processed == 1


def run_once(system, **kwargs):
    runner = QuickRunner(system, once=True, **kwargs)
    runner.start()
    assert runner.wait(60), runner.reports()
    return {report.follower: report for report in runner.reports()}


def test_once_ends_at_a_paused_follower_that_has_something_left(configured):
    system = configured()
    add_tricks(system, 1)
    run_once(system, followers=[])
    FollowerRecord.objects.using(system.database_of("Counters")).create(
        application_name="Counters", desired_state=PAUSED
    )

    reports = run_once(system)

    assert reports["Counters"].state is State.PAUSED
    assert reports["Tally"].state is State.CAUGHT_UP
    assert system.get(Counters).get_count("sit") == 0


def test_once_ends_as_paused_if_it_hears_of_that_while_it_looks(configured, monkeypatch):
    look = FollowerWorker._is_anything_left

    def look_and_hear(worker):
        found = look(worker)
        if worker.run_name == "Counters":
            wait_until(lambda: worker.hold.is_paused, "paused")
        return found

    monkeypatch.setattr(FollowerWorker, "_is_anything_left", look_and_hear)
    system = configured()
    add_tricks(system, 1)
    FollowerRecord.objects.using(system.database_of("Counters")).create(
        application_name="Counters", desired_state=PAUSED
    )

    assert run_once(system)["Counters"].state is State.PAUSED


def test_once_minds_no_paused_follower_that_has_nothing_left(configured):
    system = configured()
    add_tricks(system, 1)
    run_once(system)
    change(system, "Counters", desired_state=PAUSED)

    assert run_once(system)["Counters"].state is State.CAUGHT_UP


def test_once_beside_a_holder_ends_when_that_has_caught_up(configured, told):
    go_on = threading.Event()
    told(lambda domain_event: go_on.wait(20))
    system = configured("obedient_system")
    add_tricks(system, 2)

    with QuickRunner(system):
        wait_until(lambda: record_owner(system, "Obedient") is not None, "held")
        once = QuickRunner(another(system), once=True)
        once.start()
        wait_until(lambda: states(once)["Obedient"] is State.STAND_BY, "beside")
        assert not once.wait(0.2)
        go_on.set()
        assert once.wait(20)

    assert set(states(once).values()) == {State.CAUGHT_UP}
    assert once.reports()[0].processed == 0
    assert system.get(Tally).get_total() == 2


def record_owner(system, name):
    rows = FollowerRecord.objects.using(system.database_of(name)).filter(application_name=name)
    return rows.values_list("lease_owner", flat=True).first()


def test_once_takes_over_when_the_holder_goes(configured, told):
    system = configured("obedient_system")
    told(lambda domain_event: None)
    with QuickRunner(system) as one:
        wait_until(lambda: record_owner(system, "Obedient") is not None, "held")
        change(system, "Obedient", desired_state=PAUSED)
        wait_until(lambda: states(one)["Obedient"] is State.PAUSED, "paused")
        add_tricks(system, 2)
    change(system, "Obedient", desired_state=RUNNING)

    assert run_once(system)["Obedient"].processed == 3


def test_once_beside_a_holder_that_has_failed_fails_likewise(configured):
    system = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(system, 1, "sing")

    with QuickRunner(system):
        wait_until(lambda: record_state(system, "Poisoned") == "failed", "failed")
        report = run_once(another(system), followers=["Poisoned"])["Poisoned"]

    assert report.state is State.FAILED
    assert report.reason == "ValueError: dogs do not sing"


def record_state(system, name):
    rows = FollowerRecord.objects.using(system.database_of(name)).filter(application_name=name)
    return rows.values_list("state", flat=True).first()


def test_a_follower_that_has_failed_is_on_record_and_tried_again_on_request(
    configured, monkeypatch
):
    system = configured("poisoned_system", ON_ERROR={"retries": 1, "backoff": [0.01]})
    add_tricks(system, 1, "sing")

    with QuickRunner(system) as runner:
        wait_until(lambda: record_state(system, "Poisoned") == "failed", "failed")
        failed = record(system, "Poisoned")
        assert (failed.upstream_name, failed.attempts) == ("DogSchool", 2)
        assert failed.notification_id == record_position(system) + 2
        assert failed.error == "ValueError: dogs do not sing"
        assert failed.traceback.startswith("Traceback (most recent call last):")
        assert failed.failed_at is not None
        assert failed.lease_owner is not None
        wait_until(lambda: states(runner)["Counters"] is State.CAUGHT_UP, "the other goes on")

        monkeypatch.delattr(Poisoned, "policy")
        assert not runner.wait(0.2)
        change(system, "Poisoned", retry_requested_at=DatabaseNow())
        wait_until(lambda: record(system, "Poisoned").error == "", "cleared")

        assert system.get(Poisoned).get_count("sing") == 1
        assert record(system, "Poisoned").notification_id is None


def record_position(system):
    """Return the id before the first of the school's notifications."""
    first = system.get(DogSchool).recorder.select_notifications(None, 1)[0]
    return first.id - 1


def test_a_follower_that_waits_is_tried_at_once_on_request(configured, told):
    # The first is that of a batch, which is processed one by one after that.
    failures = iter([ValueError("once"), ValueError("twice")])

    def fail_twice(domain_event):
        for error in failures:
            raise error

    told(fail_twice)
    system = configured("obedient_system", ON_ERROR={"retries": 1, "backoff": [3600]})
    add_tricks(system, 1)

    with QuickRunner(system):
        wait_until(lambda: record_state(system, "Obedient") == "retrying", "retrying")
        wait_until(lambda: record(system, "Obedient").error == "ValueError: twice", "on record")
        assert record(system, "Obedient").attempts == 1
        change(system, "Obedient", retry_requested_at=DatabaseNow())
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")
        wait_until(lambda: record(system, "Obedient").failed_at is None, "cleared")


def test_a_run_goes_on_when_all_followers_have_failed_and_nobody_else_tries(configured):
    system = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(system, 1, "sing")

    with QuickRunner(system, followers=["Poisoned"]) as runner:
        wait_until(lambda: record_state(system, "Poisoned") == "failed", "failed")
        with QuickRunner(another(system), followers=["Poisoned"]) as other:
            wait_for_states(other, State.STAND_BY)
            assert states(runner) == {"Poisoned": State.FAILED}

    assert states(runner) == {"Poisoned": State.FAILED}
    assert record(system, "Poisoned").lease_owner is None


@pytest.mark.long_elsewhere("default")
@pytest.mark.parametrize("error", [SystemExit("out"), MemoryError("full")])
def test_a_thread_that_dies_is_started_again(configured, told, caplog, error):
    deaths = iter([error, error])

    def die(domain_event):
        for death in deaths:
            raise death

    told(die)
    system = configured("obedient_system")
    add_tricks(system, 1)

    with QuickRunner(system):
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")

    critical = [r.getMessage() for r in caplog.records if r.levelno == logging.CRITICAL]
    assert critical == ["Obedient has died"] * 2


def test_a_death_is_on_record(configured, told, monkeypatch):
    def die(domain_event):
        raise SystemExit("out")

    told(die)
    monkeypatch.setattr(QuickRunner, "deaths_class", Deaths)
    system = configured("obedient_system")
    add_tricks(system, 1)

    with QuickRunner(system):
        wait_until(lambda: record_state(system, "Obedient") == "died", "on record")
        assert record(system, "Obedient").error == "SystemExit: out"


def test_work_that_ends_unasked_is_a_death(configured, monkeypatch, caplog):
    system = configured()
    calls = []
    work = FollowerWorker._work

    def stop_once(self):
        calls.append(self.follower.name)
        if len(calls) > 2:
            work(self)

    monkeypatch.setattr(FollowerWorker, "_work", stop_once)
    add_tricks(system, 1)
    with QuickRunner(system):
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")

    assert "Counters has died: its work has ended unasked" in caplog.messages


def test_a_keeper_that_dies_is_started_again(configured, monkeypatch, caplog):
    deaths = iter([SystemExit("out")])
    attend = Account.attend

    def die_once(self):
        for death in deaths:
            raise death
        return attend(self)

    monkeypatch.setattr(Account, "attend", die_once)
    system = configured()
    add_tricks(system, 1)

    with QuickRunner(system):
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")

    assert "The keeper of leases has died" in caplog.messages
    assert "The keeper of leases is started again: SystemExit: out" in caplog.messages


def test_a_keeper_that_dies_again_and_again_ends_the_run(configured, monkeypatch):
    def die(self):
        raise MemoryError("full")

    monkeypatch.setattr(Account, "attend", die)
    runner = QuickRunner(configured())
    runner.start()

    assert runner.wait(20)
    assert runner.failure == "The keeper of leases has died: MemoryError: full"


@on("default")
@pytest.mark.parametrize(
    ("thread_class", "failure", "state"),
    [
        (LeaseKeeper, "The keeper of leases has ended unasked", State.STAND_BY),
        (FollowerWorker, "", State.DIED),
    ],
)
def test_a_thread_that_is_gone_without_a_word_ends_the_run(
    configured, monkeypatch, thread_class, failure, state
):
    monkeypatch.setattr(thread_class, "run", lambda self: None)
    runner = QuickRunner(configured())
    runner.start()

    wait_until(lambda: runner.wait(0.1), "ended")

    assert runner.failure == failure
    assert set(states(runner).values()) == {state}


@on("default")
def test_followers_in_memory_need_no_leases(settings, database):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.long_system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    from django_eventsourcing import get_system, registry

    system = get_system()
    add_tricks(system, 2)

    run_once(system)

    assert system.get(Tally).get_total() == 2
    assert not WorkerRecord.objects.using(database).exists()
    registry.reset()


@on("postgres", "mariadb")
def test_each_thread_has_one_connection_and_the_keeper_another(configured, database, told):
    most = []
    told(lambda domain_event: most.append(others(database)))
    system = configured("obedient_system")
    add_tricks(system, 20)

    with QuickRunner(system):
        wait_until(lambda: system.get(Tally).get_total() == 20, "tallied")

    # Two followers, the keeper, and on PostgreSQL the listener and its test of itself.
    assert 1 <= max(most) <= 2 + 1 + 2
    wait_until(lambda: others(database) == 0, "closed")


def others(database):
    """Return how many connections there are but that of this thread."""
    connection = connections[database]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
            if connection.vendor == "postgresql"
            else "SELECT count(*) - 1 FROM information_schema.processlist WHERE db = database()"
        )
        return cursor.fetchone()[0]


@on("postgres", "mariadb")
def test_idle_followers_keep_their_connections_and_no_transaction(
    configured, database, monkeypatch
):
    assert connections[database].settings_dict["CONN_MAX_AGE"] == 0
    looks = []
    step = Pipe.step
    monkeypatch.setattr(Pipe, "step", lambda pipe: looks.append(pipe) or step(pipe))
    system = configured(LISTEN=False)

    def look_again():
        seen = len(looks)
        wait_until(lambda: len(looks) >= seen + 10, "looked five times each")

    with QuickRunner(system) as runner:
        wait_for_states(runner, State.CAUGHT_UP, State.CAUGHT_UP)
        look_again()
        before = sessions(database)
        look_again()
        assert sessions(database) == before
        assert len(before) == 2 + 1
        wait_until(lambda: all_are_idle(database), "no transaction is left open")


def sessions(database):
    """Return the ids of the server's sessions but that of this thread."""
    return asked(
        database,
        postgres="SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()",
        mariadb="SELECT id FROM information_schema.processlist WHERE db = database()"
        " AND id <> connection_id()",
    )


def all_are_idle(database):
    """Tell whether no other session is in a transaction."""
    # MariaDB looks again only when nobody has asked for 0.1 s.
    time.sleep(0.15)
    return set(transactions(database)) == {"idle"}


def transactions(database):
    """Return what the other sessions are in, each of which is idle if it is in none."""
    return asked(
        database,
        postgres="SELECT state FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()",
        mariadb="SELECT IF(t.trx_id IS NULL, 'idle', 'in a transaction')"
        " FROM information_schema.processlist p LEFT JOIN information_schema.innodb_trx t"
        " ON t.trx_mysql_thread_id = p.id WHERE p.db = database() AND p.id <> connection_id()",
    )


def asked(database, **statements):
    with connections[database].cursor() as cursor:
        cursor.execute(statements[database])
        return sorted(value for (value,) in cursor.fetchall())


@pytest.mark.long_elsewhere("default")
def test_as_many_process_at_once_as_there_are_threads(configured, told):
    busy, most = [], []

    def work(domain_event):
        busy.append(domain_event)
        most.append(len(busy))
        time.sleep(0.01)  # The work that a policy does; nothing is waited for.
        busy.remove(domain_event)

    told(work)
    system = ConfiguredSystem(configured().config, Kennel.system)
    add_tricks(system, 3)

    run_once(system, threads=1)

    assert set(most) == {1}
    assert [system.get(cls).get_count("sit") for cls in Kennel.classes] == [3] * 6
