"""Runners: what both of them promise, and what is particular to each."""

import threading
import zlib

import pytest

from eventsourcing.system import (
    EventProcessingError,
    MultiThreadedRunner,
    RecordingEvent,
    RunnerAlreadyStartedError,
    SingleThreadedRunner,
    System,
)
from tests.core.school import Counter, Counters, DogSchool, Tally, long_system, system
from tests.waiting import wait_until

RUNNERS = [SingleThreadedRunner, MultiThreadedRunner]


class Failing(Counters):
    """Counters that cannot count one trick."""

    poison = "sing"

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", None) == self.poison:
            raise RuntimeError("dogs do not sing")
        super().policy(domain_event, processing_event)


failing_system = System(pipes=[[DogSchool, Failing], [DogSchool, Counters]])


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_followers_process_what_is_saved(runner_class):
    with runner_class(system) as runner:
        school, counters = runner.get(DogSchool), runner.get(Counters)
        dog_id = school.register_dog("Fido")
        school.add_trick(dog_id, "sit")
        school.add_trick(dog_id, "sit")

        wait_until(lambda: counters.get_count("sit") == 2, "both tricks counted")


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_events_flow_to_the_end_of_a_pipe(runner_class):
    with runner_class(long_system) as runner:
        school, tally = runner.get(DogSchool), runner.get(Tally)
        dog_id = school.register_dog("Fido")
        for trick in ("sit", "stay", "sit"):
            school.add_trick(dog_id, trick)

        wait_until(lambda: tally.get_total() == 3, "three tricks tallied")


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_followers_catch_up_at_the_start(runner_class):
    runner = runner_class(long_system)
    school = runner.get(DogSchool)
    dog_id = school.register_dog("Fido")
    for _ in range(25):
        school.add_trick(dog_id, "sit")

    with runner:
        wait_until(lambda: runner.get(Tally).get_total() == 25, "all tricks tallied")


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_one_system_can_be_run_again_and_keeps_nothing(runner_class):
    with runner_class(system) as runner:
        runner.get(DogSchool).add_trick(runner.get(DogSchool).register_dog("Fido"), "sit")

    assert runner_class(system).get(Counters).get_count("sit") == 0


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_starting_twice_is_refused(runner_class):
    with runner_class(system) as runner:
        with pytest.raises(RunnerAlreadyStartedError) as caught:
            runner.start()

        assert str(caught.value) == (
            f"This {runner_class.__name__} is running already. Stop it before starting it again."
        )


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_starting_again_after_a_stop_catches_up(runner_class):
    runner = runner_class(system)
    school, counters = runner.get(DogSchool), runner.get(Counters)
    with runner:
        dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    assert counters.get_count("sit") == 0

    with runner:
        wait_until(lambda: counters.get_count("sit") == 1, "the trick counted")


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_an_application_outside_the_system_is_not_found(runner_class):
    with pytest.raises(KeyError, match="Tally"):
        runner_class(system).get(Tally)


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_many_threads_may_save_at_once(runner_class):
    with runner_class(system) as runner:
        school, counters = runner.get(DogSchool), runner.get(Counters)

        def train():
            dog_id = school.register_dog("Fido")
            for _ in range(20):
                school.add_trick(dog_id, "sit")

        threads = [threading.Thread(target=train) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        wait_until(lambda: counters.get_count("sit") == 160, "160 tricks counted")


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_applications_are_made_with_the_settings_of_the_runner(runner_class):
    runner = runner_class(system, env={"COMPRESSOR_TOPIC": "zlib"})

    assert runner.get(DogSchool).mapper.compressor is zlib


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_a_leader_may_compress_by_itself(runner_class):
    class Compressing(DogSchool):
        env = {"COMPRESSOR_TOPIC": "zlib"}

    with runner_class(System(pipes=[[Compressing, Counters]])) as runner:
        school, counters = runner.get(Compressing), runner.get(Counters)
        school.add_trick(school.register_dog("Fido"), "sit")

        wait_until(lambda: counters.get_count("sit") == 1, "the trick counted")


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_two_runners_on_one_log_share_the_work(runner_class):
    first, second = runner_class(system), runner_class(system)
    school, counters = first.get(DogSchool), first.get(Counters)
    share(counters, second.get(Counters))
    share(school, second.get(DogSchool))
    with first, second:
        dog_id = school.register_dog("Fido")
        for _ in range(50):
            school.add_trick(dog_id, "sit")
            receive_elsewhere(second)

        wait_until(lambda: counters.get_count("sit") == 50, "50 tricks counted")


def share(app, other):
    """Let another instance of an application keep its events where the first one does."""
    other.recorder = other.events.recorder = app.recorder
    other.notification_log.recorder = app.recorder


def receive_elsewhere(runner):
    """Prompt a runner, as a commit in its own process would."""
    runner.receive_recording_event(RecordingEvent("DogSchool", [], None))


@pytest.mark.parametrize("runner_class", RUNNERS)
def test_loops_of_applications_come_to_rest(runner_class):
    class Echo(Counters):
        def policy(self, domain_event, processing_event):
            if isinstance(domain_event, Counter.Created) and len(domain_event.name) < 5:
                processing_event.collect_events(Counter(domain_event.name + "o"))

    with runner_class(System(pipes=[[Echo, Echo]])) as runner:
        echo = runner.get(Echo)
        echo.save(Counter("o"))

        wait_until(lambda: Counter.create_id("ooooo") in echo.repository, "the last echo")


class TestSingleThreadedRunner:
    def test_has_processed_when_save_returns(self):
        with SingleThreadedRunner(long_system) as runner:
            school = runner.get(DogSchool)

            school.add_trick(school.register_dog("Fido"), "sit")

            assert runner.get(Tally).get_total() == 1

    def test_finishes_an_event_before_it_processes_what_follows_from_it(self):
        steps = []

        class First(Counters):
            def policy(self, domain_event, processing_event):
                steps.append("first begins")
                self.save(Counter("direct"))
                steps.append("first ends")

        class Second(Counters):
            def policy(self, domain_event, processing_event):
                steps.append("second")

        with SingleThreadedRunner(System(pipes=[[DogSchool, First, Second]])) as runner:
            runner.get(DogSchool).register_dog("Fido")

        assert steps == ["first begins", "first ends", "second"]

    def test_raises_a_policys_error_from_save_after_the_others_had_their_turn(self):
        with SingleThreadedRunner(failing_system) as runner:
            school = runner.get(DogSchool)
            dog_id = school.register_dog("Fido")

            with pytest.raises(RuntimeError, match="dogs do not sing"):
                school.add_trick(dog_id, "sing")

            assert school.get_dog(dog_id)["tricks"] == ("sing",)
            assert runner.get(Counters).get_count("sing") == 1

    def test_tries_a_failed_event_again_at_the_next_save(self):
        with SingleThreadedRunner(failing_system) as runner:
            school, failing = runner.get(DogSchool), runner.get(Failing)
            dog_id = school.register_dog("Fido")
            with pytest.raises(RuntimeError):
                school.add_trick(dog_id, "sing")

            failing.poison = None
            school.add_trick(dog_id, "sit")

            assert (failing.get_count("sing"), failing.get_count("sit")) == (1, 1)


class TestMultiThreadedRunner:
    def test_goes_on_with_the_others_and_raises_the_first_error_at_the_end(self):
        runner = MultiThreadedRunner(failing_system)
        runner.start()
        school = runner.get(DogSchool)
        school.add_trick(school.register_dog("Fido"), "sing")

        with pytest.raises(EventProcessingError) as caught:
            runner.watch_for_errors(timeout=20)

        assert str(caught.value) == "Failing has stopped: RuntimeError: dogs do not sing"
        assert isinstance(caught.value.__cause__, RuntimeError)

    def test_lets_the_other_followers_go_on(self):
        runner = MultiThreadedRunner(failing_system)
        runner.start()
        school = runner.get(DogSchool)
        dog_id = school.register_dog("Fido")
        school.add_trick(dog_id, "sing")
        assert runner.has_errored.wait(20)

        school.add_trick(dog_id, "sit")

        wait_until(lambda: runner.get(Counters).get_count("sit") == 1, "the trick counted")
        with pytest.raises(EventProcessingError):
            runner.stop()

    def test_says_that_nothing_has_failed(self):
        with MultiThreadedRunner(system) as runner:
            assert runner.watch_for_errors(timeout=0.01) is False

    def test_catches_up_with_a_failed_event_when_started_again(self):
        runner = MultiThreadedRunner(failing_system)
        school, failing = runner.get(DogSchool), runner.get(Failing)
        school.add_trick(school.register_dog("Fido"), "sing")
        with pytest.raises(EventProcessingError), runner:
            runner.has_errored.wait(20)

        failing.poison = None
        with runner:
            wait_until(lambda: failing.get_count("sing") == 1, "the trick counted")

    def test_finds_what_another_process_has_recorded(self):
        runner = MultiThreadedRunner(system)
        school, counters = runner.get(DogSchool), runner.get(Counters)
        school.recorder.poll_interval = 0.01
        dog_id = school.register_dog("Fido")
        with runner:
            dog = school.repository.get(dog_id)
            dog.add_trick("sit")

            # No prompt: as if another process had written to the same log.
            school.events.put(dog.collect_events())

            wait_until(lambda: counters.get_count("sit") == 1, "the trick counted")

    def test_says_who_has_not_stopped_in_time(self):
        go_on, busy = threading.Event(), threading.Event()

        class Busy(Counters):
            def policy(self, domain_event, processing_event):
                busy.set()
                assert go_on.wait(20)

        class Impatient(MultiThreadedRunner):
            stop_timeout = 0.01

        runner = Impatient(System(pipes=[[DogSchool, Busy]]))
        runner.start()
        runner.get(DogSchool).register_dog("Fido")
        assert busy.wait(20)

        with pytest.raises(EventProcessingError) as caught:
            runner.stop()

        assert str(caught.value) == (
            "Not stopped within 0.01 s: Busy. The event in hand is still being processed."
        )
        go_on.set()

    def test_processes_in_threads_named_after_the_followers(self):
        with MultiThreadedRunner(long_system) as runner:
            names = sorted(thread.name for thread in runner.threads.values())

        assert names == ["Counters follower", "Tally follower"]
