"""Readiness: whether all databases of a system are there, and have what its applications need."""

from django.db import connections

from django_eventsourcing.databases import (
    DatabaseNotReadyError,
    labels_of,
    models_in,
    require_ready,
)
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.outages import is_outage

__all__ = ["ServerAwayError", "require_databases"]


class ServerAwayError(Exception):
    """A database server does not answer, and may do so soon; ``reason`` is what is told of it."""

    def __init__(self, reason: DatabaseNotReadyError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def require_databases(system: ConfiguredSystem) -> None:
    """Raise ``DatabaseNotReadyError`` unless all are ready; ``ServerAwayError`` if one is away."""
    for alias in system.databases:
        names = system.names_in(alias)
        labels = labels_of(system.system.get_app_cls(name) for name in names)
        labels = labels.union(*(system.models_of(name).app_labels for name in names))
        try:
            require_ready(alias, labels, models_in(system, alias))
        except DatabaseNotReadyError as error:
            # A file that cannot be opened is not waited for: it would have to be made.
            is_server = connections[alias].vendor != "sqlite"
            if is_server and error.__cause__ is not None and is_outage(error.__cause__):
                raise ServerAwayError(error) from error
            raise
