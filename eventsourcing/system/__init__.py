"""Systems: applications that follow one another, and what runs them."""

from eventsourcing.system.errors import EventProcessingError, RunnerAlreadyStartedError
from eventsourcing.system.follower import Follower
from eventsourcing.system.leader import Leader
from eventsourcing.system.multi_threaded import MultiThreadedRunner, MultiThreadedRunnerThread
from eventsourcing.system.process_application import ProcessApplication
from eventsourcing.system.reader import NotificationLogReader
from eventsourcing.system.recording_event import RecordingEvent, RecordingEventReceiver
from eventsourcing.system.runner import Runner, connect
from eventsourcing.system.single_threaded import SingleThreadedRunner
from eventsourcing.system.system import System

__all__ = [
    "EventProcessingError",
    "Follower",
    "Leader",
    "MultiThreadedRunner",
    "MultiThreadedRunnerThread",
    "NotificationLogReader",
    "ProcessApplication",
    "RecordingEvent",
    "RecordingEventReceiver",
    "Runner",
    "RunnerAlreadyStartedError",
    "SingleThreadedRunner",
    "System",
    "connect",
]
