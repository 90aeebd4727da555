"""Persistence: how domain events are stored, and read back in order."""

from typing import TYPE_CHECKING

from eventsourcing.late_names import late_names
from eventsourcing.persistence.announcer import Announcer
from eventsourcing.persistence.compression import Cipher, Compressor
from eventsourcing.persistence.errors import (
    AlreadyProcessedError,
    DatabaseError,
    DataError,
    InfrastructureFactoryError,
    IntegrityError,
    InterfaceError,
    InternalError,
    MapperDeserialisationError,
    NestingTooDeepError,
    NotSupportedError,
    OperationalError,
    PayloadTooLargeError,
    PersistenceError,
    ProgrammingError,
    RecordConflictError,
    TranscodingNotRegisteredError,
    WaitInterruptedError,
)
from eventsourcing.persistence.factory import InfrastructureFactory, TTrackingRecorder
from eventsourcing.persistence.recorders import (
    AggregateRecorder,
    ApplicationRecorder,
    ProcessRecorder,
    Recorder,
    TrackingRecorder,
)
from eventsourcing.persistence.subscription import Subscription

if TYPE_CHECKING:
    from eventsourcing.persistence.event_store import EventStore
    from eventsourcing.persistence.limits import Limits
    from eventsourcing.persistence.mapper import Mapper
    from eventsourcing.persistence.records import Notification, Recording, StoredEvent, Tracking
    from eventsourcing.persistence.transcoding import (
        DatetimeAsISO,
        DecimalAsStr,
        JSONTranscoder,
        Transcoder,
        Transcoding,
        UUIDAsHex,
    )
else:
    __getattr__, __dir__ = late_names(
        __name__,
        {
            "eventsourcing.persistence.event_store": ["EventStore"],
            "eventsourcing.persistence.limits": ["Limits"],
            "eventsourcing.persistence.mapper": ["Mapper"],
            "eventsourcing.persistence.records": [
                "Notification",
                "Recording",
                "StoredEvent",
                "Tracking",
            ],
            "eventsourcing.persistence.transcoding": [
                "DatetimeAsISO",
                "DecimalAsStr",
                "JSONTranscoder",
                "Transcoder",
                "Transcoding",
                "UUIDAsHex",
            ],
        },
    )

__all__ = [
    "AggregateRecorder",
    "AlreadyProcessedError",
    "Announcer",
    "ApplicationRecorder",
    "Cipher",
    "Compressor",
    "DataError",
    "DatabaseError",
    "DatetimeAsISO",
    "DecimalAsStr",
    "EventStore",
    "InfrastructureFactory",
    "InfrastructureFactoryError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "JSONTranscoder",
    "Limits",
    "Mapper",
    "MapperDeserialisationError",
    "NestingTooDeepError",
    "NotSupportedError",
    "Notification",
    "OperationalError",
    "PayloadTooLargeError",
    "PersistenceError",
    "ProcessRecorder",
    "ProgrammingError",
    "RecordConflictError",
    "Recorder",
    "Recording",
    "StoredEvent",
    "Subscription",
    "TTrackingRecorder",
    "Tracking",
    "TrackingRecorder",
    "Transcoder",
    "Transcoding",
    "TranscodingNotRegisteredError",
    "UUIDAsHex",
    "WaitInterruptedError",
]
