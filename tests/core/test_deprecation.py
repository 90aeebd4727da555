"""Earlier names: they work, and warn with the name to use instead."""

import pytest

import eventsourcing.application
import eventsourcing.domain
import eventsourcing.system
from eventsourcing.application import (
    AggregateNotFoundError,
    Application,
    ProcessingEvent,
    Repository,
)
from eventsourcing.environment import Environment
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.popo import POPOFactory
from eventsourcing.system import (
    Follower,
    MultiThreadedRunner,
    NewMultiThreadedRunner,
    NewSingleThreadedRunner,
    RunnerAlreadyStartedError,
    SingleThreadedRunner,
)
from tests.core.school import Dog, DogSchool


def test_not_found_without_error_in_its_name():
    with pytest.warns(DeprecationWarning, match="is deprecated") as warned:
        earlier = eventsourcing.application.AggregateNotFound

    assert earlier is AggregateNotFoundError
    assert str(warned[0].message) == (
        "eventsourcing.application.AggregateNotFound is deprecated. Use AggregateNotFoundError."
    )
    assert warned[0].filename == __file__


def test_already_started_without_error_in_its_name():
    with pytest.warns(DeprecationWarning, match="Use RunnerAlreadyStartedError."):
        assert eventsourcing.system.RunnerAlreadyStarted is RunnerAlreadyStartedError


@pytest.mark.parametrize("module", [eventsourcing.application, eventsourcing.system])
def test_a_name_that_never_was_is_not_there(module):
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'X'"):
        module.X  # noqa: B018


def test_log_of_an_application():
    school = DogSchool()

    with pytest.warns(DeprecationWarning, match="Use notification_log."):
        assert school.log is school.notification_log


def test_save_of_a_processing_event():
    processing_event = ProcessingEvent()

    with pytest.warns(DeprecationWarning, match=r"Use collect_events\(\)."):
        processing_event.save(Dog("Fido"))

    assert len(processing_event.events) == 1


def test_topics_to_follow():
    with pytest.warns(DeprecationWarning, match="Old.follow_topics is deprecated. Use topics."):

        class Old(Follower):
            follow_topics = ("a:B",)

    assert Old.topics == ("a:B",)


@pytest.mark.parametrize("key", ["INFRASTRUCTURE_FACTORY", "FACTORY_TOPIC"])
def test_keys_of_the_factory(key):
    env = Environment("", {key: "eventsourcing.popo:POPOFactory"})

    assert isinstance(InfrastructureFactory.construct(env), POPOFactory)


def test_the_runners_have_one_generation():
    assert NewSingleThreadedRunner is SingleThreadedRunner
    assert NewMultiThreadedRunner is MultiThreadedRunner


def test_classes_may_state_the_type_of_ids():
    assert Application[str] is Application
    assert Follower[int] is Follower
    assert Repository[str] is Repository


def test_an_earlier_name_says_nothing_on_the_class():
    assert Application.log.successor == "notification_log"
