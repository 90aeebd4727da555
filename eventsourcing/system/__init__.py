"""Systems: applications that follow one another, and what runs them."""

from typing import TYPE_CHECKING

from eventsourcing.late_names import late_names
from eventsourcing.system.errors import (
    EventProcessingError,
    NotificationConvertingError,
    NotificationPullingError,
    RunnerAlreadyStartedError,
)
from eventsourcing.system.follower import Follower
from eventsourcing.system.leader import Leader
from eventsourcing.system.process_application import ProcessApplication
from eventsourcing.system.reader import NotificationLogReader
from eventsourcing.system.system import System

if TYPE_CHECKING:
    from eventsourcing.system.multi_threaded import (
        MultiThreadedRunner,
        MultiThreadedRunnerThread,
        NewMultiThreadedRunner,
    )
    from eventsourcing.system.recording_event import RecordingEvent, RecordingEventReceiver
    from eventsourcing.system.runner import Runner, connect
    from eventsourcing.system.single_threaded import NewSingleThreadedRunner, SingleThreadedRunner

    RunnerAlreadyStarted = RunnerAlreadyStartedError
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            "eventsourcing.system.multi_threaded": [
                "MultiThreadedRunner",
                "MultiThreadedRunnerThread",
                "NewMultiThreadedRunner",
            ],
            "eventsourcing.system.recording_event": ["RecordingEvent", "RecordingEventReceiver"],
            "eventsourcing.system.runner": ["Runner", "connect"],
            "eventsourcing.system.single_threaded": [
                "NewSingleThreadedRunner",
                "SingleThreadedRunner",
            ],
        },
        earlier={"RunnerAlreadyStarted": RunnerAlreadyStartedError},
    )

__all__ = [
    "EventProcessingError",
    "Follower",
    "Leader",
    "MultiThreadedRunner",
    "MultiThreadedRunnerThread",
    "NewMultiThreadedRunner",
    "NewSingleThreadedRunner",
    "NotificationConvertingError",
    "NotificationLogReader",
    "NotificationPullingError",
    "ProcessApplication",
    "RecordingEvent",
    "RecordingEventReceiver",
    "Runner",
    "RunnerAlreadyStartedError",
    "SingleThreadedRunner",
    "System",
    "connect",
]
