"""Faults and races that must not hurt: those that need nothing but one process."""

import threading
from contextlib import suppress

import pytest

from eventsourcing.persistence import PersistenceError
from eventsourcing.system import (
    EventProcessingError,
    MultiThreadedRunner,
    NewMultiThreadedRunner,
    NewSingleThreadedRunner,
    NotificationConvertingError,
    NotificationPullingError,
    SingleThreadedRunner,
    System,
)
from tests.core.school import Counters, DogSchool, system
from tests.waiting import wait_until


class Failing(Counters):
    """Counters that cannot count one trick."""

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", None) == "sing":
            raise RuntimeError("dogs do not sing")
        super().policy(domain_event, processing_event)


@pytest.mark.parametrize(
    "runner_class",
    [SingleThreadedRunner, NewSingleThreadedRunner, MultiThreadedRunner, NewMultiThreadedRunner],
)
def test_what_another_writer_has_saved_meanwhile_is_processed(runner_class):
    """The other writer shares the log, as another process does, and prompts nobody."""
    with runner_class(system) as runner:
        school, counters = runner.get(DogSchool), runner.get(Counters)
        other = DogSchool()
        other.recorder = other.events.recorder = school.recorder
        dog_id = school.register_dog("Fido")
        school.add_trick(dog_id, "sit")
        other.add_trick(dog_id, "sit")
        other.add_trick(dog_id, "sit")
        school.add_trick(dog_id, "sit")

        wait_until(lambda: counters.get_count("sit") == 4, "all tricks counted")
        assert counters.recorder.max_tracking_id("DogSchool") == 5


def test_a_reader_that_keeps_up_with_many_writers_misses_nothing():
    school = DogSchool()
    seen = []
    subscription = school.recorder.subscribe()

    def write():
        dog_id = school.register_dog("Fido")
        for _ in range(49):
            school.add_trick(dog_id, "sit")

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    with subscription:
        for notification in subscription:
            seen.append(notification.id)
            if len(seen) == 400:
                break
    for writer in writers:
        writer.join()

    assert seen == [*range(1, 401)]


def test_stopping_ends_within_a_deadline_though_a_follower_failed_and_events_keep_coming():
    runner = MultiThreadedRunner(System(pipes=[[DogSchool, Failing]]))
    runner.start()
    school = runner.get(DogSchool)
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sing")
    runner.has_errored.wait(20)
    is_over = threading.Event()

    def keep_saving():
        while not is_over.is_set():
            school.add_trick(dog_id, "sit")

    traffic = threading.Thread(target=keep_saving)
    traffic.start()
    raised = []

    def stop():
        try:
            runner.stop()
        except EventProcessingError as error:
            raised.append(error)

    stopping = threading.Thread(target=stop)
    stopping.start()
    stopping.join(10)
    is_over.set()
    traffic.join()

    assert not stopping.is_alive()
    assert isinstance(raised[0].__cause__, RuntimeError)


def test_a_prompt_may_come_while_a_runner_starts_and_stops():
    runner = MultiThreadedRunner(system)
    school, counters = runner.get(DogSchool), runner.get(Counters)
    dog_id = school.register_dog("Fido")
    for _ in range(5):
        with runner:
            school.add_trick(dog_id, "sit")

    with runner:
        wait_until(lambda: counters.get_count("sit") == 5, "all tricks counted")


@pytest.mark.parametrize(
    ("break_it", "error_class"),
    [
        (lambda school: damage(school), NotificationConvertingError),
        (lambda school: go_away(school), NotificationPullingError),
    ],
)
def test_the_error_says_at_which_step_a_follower_failed(break_it, error_class):
    runner = MultiThreadedRunner(system)
    school = runner.get(DogSchool)
    school.register_dog("Fido")
    break_it(school)
    runner.start()

    with pytest.raises(error_class) as caught:
        runner.watch_for_errors(timeout=20)

    assert caught.value.__cause__ is not None
    with suppress(EventProcessingError):
        runner.stop()


def damage(school):
    school.recorder._log[0] = type(school.recorder._log[0])(
        **vars(school.recorder._log[0]) | {"state": b"damaged"}
    )


def go_away(school):
    def select(*args, **kwargs):
        raise PersistenceError("away")

    school.recorder.select_notifications = select
