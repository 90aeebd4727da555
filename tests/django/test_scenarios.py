"""Scenarios of races and faults, each on each database: nothing is lost, doubled or stuck."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connections, transaction

from django_eventsourcing import get_system, registry
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners import State, ThreadedRunner
from eventsourcing.persistence import IntegrityError
from eventsourcing.system import ProcessApplication, System
from eventsourcing.utils import retry
from tests.core.school import Counters, DogSchool
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")


class Teachers(ProcessApplication):
    """Follows no more than what dogs are taught."""

    topics = ("tests.core.school:Dog.TrickAdded",)

    def policy(self, domain_event, processing_event):
        if domain_event.trick == "sing":
            raise ValueError("dogs do not sing")


class PatientSchool(DogSchool):
    """Reloads the dog and repeats the command when somebody else was faster."""

    @retry(IntegrityError, max_attempts=50, wait=0.005)
    def add_trick(self, dog_id, trick):
        super().add_trick(dog_id, trick)


system = System(pipes=[[DogSchool, Counters], [DogSchool, Teachers]])
patient_system = System(pipes=[[PatientSchool]])


@pytest.fixture
def configured(settings, database):
    def configure(name="system", **options):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": f"tests.django.test_scenarios.{name}",
                "DATABASE": database,
                "OPTIONS": {"POLL_INTERVAL": 3600, **options},
            }
        }
        return get_system()

    yield configure
    registry.reset()


@contextmanager
def workers(count):
    """Give threads that close their connections when they have done their work."""

    def work(function, number):
        try:
            return function(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        yield lambda function: list(pool.map(work, [function] * count, range(count), timeout=60))


def states(runner):
    return {report.follower: report.state for report in runner.reports()}


def test_events_of_two_processes_in_turn_are_all_processed_upon_prompts_of_one(configured):
    here = configured()
    there = ConfiguredSystem(here.config)  # Knows nothing of the runner, as in another process.
    dog_id = here.get(DogSchool).register_dog("Fido")

    with ThreadedRunner(here):
        for side in (there, here, here, there, here):
            side.get(DogSchool).add_trick(dog_id, "sit")
        wait_until(lambda: here.get(Counters).get_count("sit") == 5, "counted")


def test_eight_threads_save_through_one_runner(configured):
    system = configured()
    school = system.get(DogSchool)

    def save(number):
        dog_id = school.register_dog(f"Dog {number}")
        for _ in range(5):
            school.add_trick(dog_id, f"trick {number}")

    with ThreadedRunner(system) as runner, workers(8) as run:
        run(save)
        wait_until(
            lambda: [system.get(Counters).get_count(f"trick {n}") for n in range(8)] == [5] * 8,
            "counted",
        )
        assert State.FAILED not in states(runner).values()


@pytest.mark.long_elsewhere("mariadb")
def test_a_wait_ends_for_an_event_that_the_follower_passes_over(configured):
    system = configured()
    school = system.get(DogSchool)

    with ThreadedRunner(system):
        school.add_trick(school.register_dog("Fido"), "sit")
        school.register_dog("Rex")
        last = school.recorder.max_notification_id()

        system.get(Teachers).recorder.wait("DogSchool", last, timeout=30)


def test_a_stop_returns_while_others_write_after_a_follower_has_failed(configured):
    system = configured(ON_ERROR={"retries": 0})
    school = system.get(DogSchool)
    dog_id = school.register_dog("Fido")
    stopping = threading.Event()

    def write(_):
        while not stopping.is_set():
            school.add_trick(dog_id, "sit")

    with workers(1) as run, ThreadPoolExecutor(1) as other:
        runner = ThreadedRunner(system)
        runner.start()
        school.add_trick(dog_id, "sing")
        writing = other.submit(run, write)
        wait_until(lambda: states(runner)["Teachers"] is State.FAILED, "failed")
        runner.stop()
        has_ended = runner.wait(20)
        stopping.set()
        writing.result(30)

    assert has_ended
    (reason,) = {r.reason for r in runner.reports() if r.follower == "Teachers"}
    assert reason.endswith("ValueError: dogs do not sing")


def test_a_rolled_back_save_leaves_no_gap_in_what_followers_see(configured, database):
    system = configured()
    school = system.get(DogSchool)

    with ThreadedRunner(system):
        school.add_trick(school.register_dog("Fido"), "sit")
        with transaction.atomic(using=database):
            school.add_trick(school.register_dog("Lost"), "sit")
            transaction.set_rollback(True, using=database)
        school.add_trick(school.register_dog("Rex"), "sit")
        wait_until(lambda: system.get(Counters).get_count("sit") == 2, "counted")

    assert len(school.notification_log.select(1, 10)) == 4


def test_twenty_requests_that_save_at_once_lose_nothing(configured, database):
    system = configured()
    school = system.get(DogSchool)

    def request(number):
        with transaction.atomic(using=database):
            return school.register_dog(f"Dog {number}")

    with workers(20) as run:
        ids = run(request)

    events = StoredEventRecord.objects.using(database).of("DogSchool")
    assert sorted(events.values_list("originator_id", flat=True)) == sorted(ids)


def test_commands_that_are_repeated_after_conflicts_are_each_applied_once(configured):
    school = configured("patient_system").get(PatientSchool)
    dog_id = school.register_dog("Fido")

    def teach(number):
        for trick in ("sit", "stay", "roll over"):
            school.add_trick(dog_id, f"{trick} {number}")

    with workers(6) as run:
        run(teach)

    tricks = school.get_dog(dog_id)["tricks"]
    assert sorted(tricks) == sorted(
        f"{trick} {number}" for trick in ("sit", "stay", "roll over") for number in range(6)
    )


def test_a_refused_save_keeps_the_events_that_were_to_be_recorded(configured):
    school = configured().get(DogSchool)
    dog_id = school.register_dog("Fido")
    stale = school.repository.get(dog_id)
    school.add_trick(dog_id, "sit")
    stale.add_trick("stay")

    with pytest.raises(IntegrityError):
        school.save(stale)

    assert [event.trick for event in stale.pending_events] == ["stay"]
