"""Systems: applications that follow one another, and what runs them."""

from eventsourcing.deprecation import deprecated_names
from eventsourcing.system.errors import (
    EventProcessingError,
    NotificationConvertingError,
    NotificationPullingError,
    RunnerAlreadyStartedError,
)
from eventsourcing.system.follower import Follower
from eventsourcing.system.leader import Leader
from eventsourcing.system.multi_threaded import (
    MultiThreadedRunner,
    MultiThreadedRunnerThread,
    NewMultiThreadedRunner,
)
from eventsourcing.system.process_application import ProcessApplication
from eventsourcing.system.reader import NotificationLogReader
from eventsourcing.system.recording_event import RecordingEvent, RecordingEventReceiver
from eventsourcing.system.runner import Runner, connect
from eventsourcing.system.single_threaded import NewSingleThreadedRunner, SingleThreadedRunner
from eventsourcing.system.system import System

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

__getattr__ = deprecated_names(__name__, {"RunnerAlreadyStarted": RunnerAlreadyStartedError})
