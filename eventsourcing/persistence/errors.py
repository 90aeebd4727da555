"""Errors of persistence, named as in PEP 249, so that callers need not know the database driver."""

from eventsourcing.exceptions import EventSourcingError

__all__ = [
    "AlreadyProcessedError",
    "DataError",
    "DatabaseError",
    "InfrastructureFactoryError",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "MapperDeserialisationError",
    "NestingTooDeepError",
    "NotSupportedError",
    "OperationalError",
    "PayloadTooLargeError",
    "PersistenceError",
    "ProgrammingError",
    "RecordConflictError",
    "TranscodingNotRegisteredError",
    "WaitInterruptedError",
]


class PersistenceError(EventSourcingError):
    """Base class of the errors that come from keeping and reading events."""


class InterfaceError(PersistenceError):
    """The database driver, rather than the database, is at fault."""


class DatabaseError(PersistenceError):
    """The database refused or failed; see the subclasses for how."""


class DataError(DatabaseError):
    """The database refused a value, for example one that is too long."""


class PayloadTooLargeError(DataError):
    """An event or a snapshot has more bytes than the limits allow; no database has seen it."""


class NestingTooDeepError(DataError):
    """An event or a snapshot has values within values, deeper than the limits allow."""


class OperationalError(DatabaseError):
    """The database could not be reached, was busy, or went away; trying again may help."""


class IntegrityError(DatabaseError):
    """A record breaks a rule of the log: the version, or the position, has been taken already."""


class AlreadyProcessedError(IntegrityError):
    """A position is refused, because another worker has moved it meanwhile."""


class RecordConflictError(IntegrityError):
    """An event with this originator and version has been recorded already."""


class InternalError(DatabaseError):
    """The database reports a fault of its own."""


class ProgrammingError(DatabaseError):
    """A statement is wrong for this database, for example because a table is missing."""


class NotSupportedError(DatabaseError):
    """The database cannot do what was asked of it."""


class InfrastructureFactoryError(EventSourcingError):
    """The persistence module named in the environment cannot be used."""


class MapperDeserialisationError(EventSourcingError, ValueError):
    """A stored event cannot be turned into a domain event; the text names topic, id and version."""


class TranscodingNotRegisteredError(EventSourcingError, TypeError):
    """No transcoding is registered for a type of value, or for a name found in stored data."""


class WaitInterruptedError(EventSourcingError):
    """A wait has been ended before what was waited for had happened."""
