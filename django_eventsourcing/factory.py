"""The persistence module that keeps events with Django's ORM."""

from typing import Any, ClassVar

from django.db import connections

from django_eventsourcing.models import SnapshotRecord, StoredEventRecord
from django_eventsourcing.recorders import (
    DjangoAggregateRecorder,
    DjangoApplicationRecorder,
    DjangoProcessRecorder,
    DjangoTrackingRecorder,
)
from eventsourcing.environment import Environment
from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    TrackingRecorder,
    TTrackingRecorder,
)

__all__ = ["DjangoFactory"]


class DjangoFactory(InfrastructureFactory):
    """Builds recorders on the database alias that ``DJANGO_DB_ALIAS`` names."""

    DJANGO_DB_ALIAS: ClassVar[str] = "DJANGO_DB_ALIAS"

    aggregate_recorder_class: type[DjangoAggregateRecorder] = DjangoAggregateRecorder
    application_recorder_class: type[DjangoApplicationRecorder] = DjangoApplicationRecorder
    process_recorder_class: type[DjangoProcessRecorder] = DjangoProcessRecorder
    tracking_recorder_class: type[TrackingRecorder] = DjangoTrackingRecorder

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self.alias = env.get(self.DJANGO_DB_ALIAS) or "default"
        if self.alias not in connections.settings:
            aliases = ", ".join(repr(alias) for alias in connections.settings)
            raise InfrastructureFactoryError(
                f"{self.DJANGO_DB_ALIAS} is {self.alias!r}, which is not in DATABASES. "
                f"Use one of: {aliases}."
            )

    def aggregate_recorder(self, purpose: str = "events") -> DjangoAggregateRecorder:
        """Return a recorder of aggregates' ``"events"``, or of their ``"snapshots"``."""
        if purpose == "events":
            return self.application_recorder()
        if purpose == "snapshots":
            return self.aggregate_recorder_class(
                self.env.name, alias=self.alias, model=SnapshotRecord
            )
        raise InfrastructureFactoryError(
            f"There is no recorder for the purpose {purpose!r}. Use 'events' or 'snapshots'."
        )

    def application_recorder(self) -> DjangoApplicationRecorder:
        """Return a recorder of an application's events."""
        recorder_class = self.resolved(
            self.APPLICATION_RECORDER_TOPIC, self.application_recorder_class
        )
        return recorder_class(self.env.name, alias=self.alias, model=StoredEventRecord)

    def process_recorder(self) -> DjangoProcessRecorder:
        """Return a recorder of a follower's events and positions."""
        recorder_class = self.resolved(self.PROCESS_RECORDER_TOPIC, self.process_recorder_class)
        return recorder_class(self.env.name, alias=self.alias, model=StoredEventRecord)

    def construct_tracking_recorder(
        self, tracking_recorder_class: type[TTrackingRecorder]
    ) -> TTrackingRecorder:
        """Return a new recorder of the class, made with the names of application and database."""
        make: Any = tracking_recorder_class
        recorder: TTrackingRecorder = make(self.env.name, alias=self.alias)
        return recorder

    def release(self) -> None:
        """Close the calling thread's connection, unless a transaction is open on it."""
        connection = connections[self.alias]
        if not connection.in_atomic_block:
            connection.close()
