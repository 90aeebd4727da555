"""Followers apart from their upstream: what they process is committed in another database."""

from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connections, transaction

from django_eventsourcing import get_system, registry
from django_eventsourcing.recorders.errors import UncommittedUpstreamError
from django_eventsourcing.runners import ThreadedRunner
from eventsourcing.system import SingleThreadedRunner
from tests.core.school import Counters, DogSchool, Tally, long_system
from tests.databases import on
from tests.django.schools import teach
from tests.waiting import wait_until

PAIRS = [("postgres", "default"), ("default", "postgres"), ("mariadb", "default")]


def apart(upstream, follower, *, transactional=True):
    databases = [upstream, follower]
    is_there = set(databases) <= set(settings.DATABASES)
    marks = [
        pytest.mark.skipif(not is_there, reason="needs a second database"),
        pytest.mark.django_db(transaction=transactional, databases=databases),
    ]
    return pytest.param((upstream, follower), marks=marks, id=f"{upstream}-{follower}")


@pytest.fixture(params=[apart(*pair) for pair in PAIRS])
def aliases(request):
    """Return the databases of the upstream and of the follower, which are two."""
    return request.param


@pytest.fixture
def system(settings, aliases):
    upstream, follower = aliases
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.long_system",
            "DATABASE": upstream,
            "APPLICATIONS": {"Counters": {"DATABASE": follower}},
            "OPTIONS": {"POLL_INTERVAL": 0.05},
        }
    }
    system = get_system()
    follow(system.get(Counters), system.get(DogSchool))
    yield system
    registry.reset()


def follow(follower, school):
    follower.follow("DogSchool", school.notification_log, school.mapper)


@contextmanager
def rolled_back(alias):
    """Open a transaction that is rolled back at the end."""
    with transaction.atomic(using=alias):
        yield
        transaction.set_rollback(True, using=alias)


def test_what_may_be_rolled_back_is_not_processed(system, aliases):
    counters = system.get(Counters)

    with rolled_back(aliases[0]):
        teach(system.get(DogSchool), ["sit"])
        with pytest.raises(UncommittedUpstreamError) as raised:
            counters.pull_and_process("DogSchool")

    assert str(raised.value) == (
        f"Counters, which is in database '{aliases[1]}', cannot process DogSchool within an open "
        f"transaction on '{aliases[0]}': events that are rolled back would stay processed.  HINT: "
        f"Let it process after the commit, by transaction.on_commit(…, using='{aliases[0]}'), or "
        "leave it to a runner, such as 'manage.py run_system'."
    )
    assert counters.get_count("sit") == 0
    assert counters.recorder.max_tracking_id("DogSchool") is None


def test_a_position_does_not_pass_over_what_may_be_rolled_back(system, aliases, monkeypatch):
    monkeypatch.setattr(Counters, "topics", ("no:such",))
    counters = system.get(Counters)

    with rolled_back(aliases[0]):
        teach(system.get(DogSchool), ["sit"])
        with pytest.raises(UncommittedUpstreamError):
            counters.pull_and_process("DogSchool")

    assert counters.recorder.max_tracking_id("DogSchool") is None


def test_what_is_committed_is_processed_when_the_commit_is_told(system, aliases):
    counters = system.get(Counters)

    with transaction.atomic(using=aliases[0]):
        teach(system.get(DogSchool), ["sit"])
        transaction.on_commit(lambda: counters.pull_and_process("DogSchool"), using=aliases[0])

    assert counters.get_count("sit") == 1


def test_a_transaction_of_the_follower_alone_is_no_hindrance(system, aliases):
    teach(system.get(DogSchool), ["sit"])
    counters = system.get(Counters)

    with transaction.atomic(using=aliases[1]):
        counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1


def test_transactions_managed_by_hand_are_open_too(system, aliases):
    connections[aliases[0]].set_autocommit(False)
    try:
        teach(system.get(DogSchool), ["sit"])
        with pytest.raises(UncommittedUpstreamError):
            system.get(Counters).pull_and_process("DogSchool")
    finally:
        connections[aliases[0]].rollback()
        connections[aliases[0]].set_autocommit(True)

    assert system.get(Counters).recorder.max_tracking_id("DogSchool") is None


def test_a_follower_in_memory_is_apart_too(system, aliases):
    school, in_memory = system.get(DogSchool), Counters()
    follow(in_memory, school)

    with transaction.atomic(using=aliases[0]):
        teach(school, ["sit"])
        with pytest.raises(UncommittedUpstreamError, match="^Counters, which is in no data"):
            in_memory.pull_and_process("DogSchool")

    in_memory.pull_and_process("DogSchool")
    assert in_memory.get_count("sit") == 1


def test_runners_process_what_a_transaction_has_committed(system, aliases):
    with ThreadedRunner(system):
        with transaction.atomic(using=aliases[0]):
            teach(system.get(DogSchool), ["sit"])
        wait_until(lambda: system.get(Tally).get_total() == 1, "tallied")


def test_a_single_threaded_runner_is_prompted_after_the_commit(aliases):
    upstream, follower = aliases
    env = {
        "PERSISTENCE_MODULE": "django_eventsourcing.factory",
        "DJANGO_DB_ALIAS": upstream,
        "COUNTERS_DJANGO_DB_ALIAS": follower,
    }

    with SingleThreadedRunner(long_system, env) as runner:
        with transaction.atomic(using=upstream):
            teach(runner.get(DogSchool), ["sit"])
        with rolled_back(upstream):
            teach(runner.get(DogSchool), ["sit"])

        assert runner.get(Counters).get_count("sit") == 1
        assert runner.get(Tally).get_total() == 1


TEST_CASE = pytest.mark.parametrize(
    "aliases", [apart("default", "postgres", transactional=False)], indirect=True
)


@TEST_CASE
def test_in_a_test_case_what_a_test_has_saved_is_processed(system, aliases):
    assert all(connections[alias].in_atomic_block for alias in aliases)
    teach(system.get(DogSchool), ["sit"])

    system.get(Counters).pull_and_process("DogSchool")

    assert system.get(Counters).get_count("sit") == 1


@TEST_CASE
def test_in_a_test_case_a_transaction_of_the_code_under_test_counts(system, aliases):
    with transaction.atomic(using=aliases[0]):
        teach(system.get(DogSchool), ["sit"])
        with pytest.raises(UncommittedUpstreamError):
            system.get(Counters).pull_and_process("DogSchool")


@on("default", "postgres", "mariadb")
def test_on_one_database_events_and_effects_commit_together(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.long_system", "DATABASE": database}
    }
    school, counters = get_system().get(DogSchool), get_system().get(Counters)
    follow(counters, school)

    with rolled_back(database):
        teach(school, ["sit"])
        counters.pull_and_process("DogSchool")
        assert counters.get_count("sit") == 1

    assert counters.get_count("sit") == 0
    assert counters.recorder.max_tracking_id("DogSchool") is None
    registry.reset()
