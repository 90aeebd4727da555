"""Projections and their runners: views that follow, waits that end, errors that surface."""

import threading
from collections import Counter as Counts

import pytest

from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import (
    ApplicationSubscription,
    EventSourcedProjection,
    EventSourcedProjectionRunner,
    Projection,
    ProjectionRunner,
)
from tests.core.school import Counter, Dog, DogSchool
from tests.waiting import wait_until


class TrickView(POPOTrackingRecorder):
    """Counts tricks, each count together with its position."""

    def __init__(self):
        super().__init__()
        self.counts = Counts()

    def count(self, trick, tracking):
        with self._database_lock:
            self._assert_tracking_uniqueness(tracking)
            self._insert_tracking(tracking)
            self.counts[trick] += 1
        self.announcer.announce()


class TrickProjection(Projection[TrickView]):
    @singledispatchmethod
    def process_event(self, domain_event, tracking):
        self.view.insert_tracking(tracking)

    @process_event.register(Dog.TrickAdded)
    def _(self, domain_event, tracking):
        if domain_event.trick == "sing":
            raise RuntimeError("dogs do not sing")
        self.view.count(domain_event.trick, tracking)


class OnlyTricks(TrickProjection):
    topics = ("tests.core.school:Dog.TrickAdded",)


class Tally(EventSourcedProjection):
    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        """Ignore other events."""

    @policy.register(Dog.TrickAdded)
    def _(self, domain_event, processing_event):
        counter_id = Counter.create_id(domain_event.trick)
        counter = (
            self.repository.get(counter_id)
            if counter_id in self.repository
            else Counter(domain_event.trick)
        )
        counter.increment()
        processing_event.collect_events(counter)


def run(projection_class=TrickProjection, view_class=TrickView, env=None):
    return ProjectionRunner(
        application_class=DogSchool,
        projection_class=projection_class,
        view_class=view_class,
        env=env,
    )


def last_id(app):
    return app.recorder.max_notification_id()


class TestApplicationSubscription:
    def test_yields_events_with_their_positions(self):
        school = DogSchool()
        school.add_trick(school.register_dog("Fido"), "sit")

        with ApplicationSubscription(school) as subscription:
            registered, added = next(subscription), next(subscription)

        assert (registered[0].name, registered[1]) == ("Fido", Tracking("DogSchool", 1))
        assert (added[0].trick, added[1]) == ("sit", Tracking("DogSchool", 2))

    def test_begins_after_a_position_and_passes_over_topics(self):
        school = DogSchool()
        dog_id = school.register_dog("Fido")
        school.add_trick(dog_id, "sit")
        school.register_dog("Buster")
        school.add_trick(dog_id, "stay")

        with ApplicationSubscription(school, gt=2, topics=OnlyTricks.topics) as subscription:
            event, tracking = next(subscription)

        assert (event.trick, tracking.notification_id) == ("stay", 4)

    def test_ends_when_it_is_stopped(self):
        with ApplicationSubscription(DogSchool()) as subscription:
            thread = threading.Thread(target=subscription.stop)
            thread.start()
            assert list(subscription) == []
            thread.join()


class TestProjectionRunner:
    def test_projects_events_into_the_view(self):
        with run() as runner:
            dog_id = runner.app.register_dog("Fido")
            runner.app.add_trick(dog_id, "sit")
            runner.app.add_trick(dog_id, "sit")
            runner.wait(last_id(runner.app), timeout=20)

            assert runner.view.counts == {"sit": 2}
            assert runner.projection.view is runner.view

    @pytest.mark.parametrize("projection_class", [TrickProjection, OnlyTricks])
    def test_a_wait_for_the_last_event_ends_whatever_the_topics(self, projection_class):
        with run(projection_class) as runner:
            runner.app.add_trick(runner.app.register_dog("Fido"), "sit")
            runner.app.register_dog("Buster")

            runner.wait(last_id(runner.app), timeout=20)

            assert runner.view.counts == {"sit": 1}

    def test_a_wait_says_when_time_is_out(self):
        with run() as runner, pytest.raises(TimeoutError):
            runner.wait(1, timeout=0.01)

    def test_a_wait_raises_the_error_of_the_projection(self):
        with run() as runner:
            runner.app.add_trick(runner.app.register_dog("Fido"), "sing")

            with pytest.raises(RuntimeError, match="dogs do not sing"):
                runner.wait(last_id(runner.app), timeout=20)

    def test_a_wait_ends_when_the_runner_is_stopped(self):
        with run() as runner:
            runner.stop()

            runner.wait(99, timeout=20)

    def test_running_forever_raises_the_error_of_the_projection(self):
        with run() as runner:
            runner.app.add_trick(runner.app.register_dog("Fido"), "sing")

            with pytest.raises(RuntimeError, match="dogs do not sing"):
                runner.run_forever(timeout=20)

    def test_running_forever_ends_when_the_runner_is_stopped_or_after_a_while(self):
        with run() as runner:
            runner.run_forever(timeout=0.01)
            assert not runner.is_interrupted.is_set()
            thread = threading.Thread(target=runner.stop)
            thread.start()
            runner.run_forever()
            thread.join()

    def test_an_error_that_nobody_has_seen_is_raised_at_the_end(self):
        runner = run()
        runner.app.add_trick(runner.app.register_dog("Fido"), "sing")
        wait_until(runner.is_interrupted.is_set, "the projection has failed")

        with pytest.raises(RuntimeError, match="dogs do not sing"), runner:
            pass

    def test_the_application_is_closed_at_the_end(self):
        with run() as runner:
            pass

        assert runner.app.closing.is_set()

    def test_settings_are_found_under_the_names_of_both(self):
        env = {"DOGSCHOOL_COMPRESSOR_TOPIC": "zlib", "TRICKPROJECTION_X": "y"}
        with run(env=env) as runner:
            runner.app.add_trick(runner.app.register_dog("Fido"), "sit")
            runner.wait(last_id(runner.app), timeout=20)

            assert runner.view.counts == {"sit": 1}


class TestEventSourcedProjectionRunner:
    def test_records_what_follows_once(self):
        with EventSourcedProjectionRunner(
            application_class=DogSchool, projection_class=Tally
        ) as runner:
            runner.app.add_trick(runner.app.register_dog("Fido"), "sit")
            runner.wait(last_id(runner.app), timeout=20)

            assert runner.projection.repository.get(Counter.create_id("sit")).count == 1
            assert last_id(runner.projection) == 2

    def test_closes_both_applications_at_the_end(self):
        with EventSourcedProjectionRunner(
            application_class=DogSchool, projection_class=Tally
        ) as runner:
            pass

        assert runner.app.closing.is_set()
        assert runner.projection.closing.is_set()


def test_a_subscription_by_topic_waits_for_the_next_of_its_own():
    school = DogSchool()
    dog_id = school.register_dog("Fido")

    with ApplicationSubscription(school, topics=OnlyTricks.topics) as subscription:
        thread = threading.Thread(target=lambda: add_when_passed(school, dog_id, subscription))
        thread.start()
        event, tracking = next(subscription)
    thread.join()

    assert (event.trick, tracking.notification_id) == ("sit", 2)


def add_when_passed(school, dog_id, subscription):
    wait_until(lambda: subscription.subscription.position == 1, "the other event passed")
    school.add_trick(dog_id, "sit")


def test_a_projection_keeps_a_name_of_its_own():
    class Named(TrickProjection):
        name = "Tricks"

    assert (Named.name, TrickProjection.name) == ("Tricks", "TrickProjection")
