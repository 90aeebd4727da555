"""The persistence module that keeps events with Django's ORM."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from django.db import connections

from django_eventsourcing.application_models import resolve_models
from django_eventsourcing.async_calls import aio
from django_eventsourcing.environments import model_labels
from django_eventsourcing.problems import ConfigurationError
from django_eventsourcing.recorders import (
    DjangoAggregateRecorder,
    DjangoApplicationRecorder,
    DjangoProcessRecorder,
    DjangoTrackingRecorder,
)
from django_eventsourcing.recorders.pages import PAGE_MAX_BYTES
from django_eventsourcing.segments import Segment
from eventsourcing.environment import Environment, strtobool
from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    Limits,
    TrackingRecorder,
    TTrackingRecorder,
)

__all__ = ["DjangoFactory"]


class DjangoFactory(InfrastructureFactory):
    """
    Builds recorders on the database alias that ``DJANGO_DB_ALIAS`` names.

    They keep an application's records in the tables that all share, or in those of models of its
    own: ``DJANGO_EVENT_MODEL``, ``DJANGO_SNAPSHOT_MODEL`` and ``DJANGO_TRACKING_MODEL`` each take
    a label, ``app_label.ModelName``. ``DJANGO_NOTIFY`` says whether, on PostgreSQL, other processes
    are told of each commit: yes, unless it is set to no. ``DJANGO_SEGMENTS`` says into how many
    segments a follower is split, and ``DJANGO_SEGMENT`` which of them this one is, from 1; none,
    unless it is set.
    """

    DJANGO_DB_ALIAS: ClassVar[str] = "DJANGO_DB_ALIAS"
    DJANGO_NOTIFY: ClassVar[str] = "DJANGO_NOTIFY"
    DJANGO_SEGMENTS: ClassVar[str] = "DJANGO_SEGMENTS"
    DJANGO_SEGMENT: ClassVar[str] = "DJANGO_SEGMENT"

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
        self._notifies_others = strtobool(env.get(self.DJANGO_NOTIFY) or "y")
        self._segments = int(env.get(self.DJANGO_SEGMENTS) or 1)
        self._number = int(env.get(self.DJANGO_SEGMENT) or 0)
        try:
            self.models = resolve_models(model_labels(env.get), lambda kind: f"DJANGO_{kind}_MODEL")
        except ConfigurationError as error:
            raise InfrastructureFactoryError(str(error)) from error

    def aggregate_recorder(self, purpose: str = "events") -> DjangoAggregateRecorder:
        """Return a recorder of aggregates' ``"events"``, or of their ``"snapshots"``."""
        if purpose == "events":
            return self.application_recorder()
        if purpose == "snapshots":
            return self.aggregate_recorder_class(
                self.env.name, alias=self.alias, model=self.models.snapshot
            )
        raise InfrastructureFactoryError(
            f"There is no recorder for the purpose {purpose!r}. Use 'events' or 'snapshots'."
        )

    def application_recorder(self) -> DjangoApplicationRecorder:
        """Return a recorder of an application's events."""
        recorder_class = self.resolved(
            self.APPLICATION_RECORDER_TOPIC, self.application_recorder_class
        )
        recorder = recorder_class(self.env.name, alias=self.alias, model=self.models.event)
        self._set_up(recorder)
        return recorder

    def process_recorder(self) -> DjangoProcessRecorder:
        """Return a recorder of a follower's events and positions."""
        recorder_class = self.resolved(self.PROCESS_RECORDER_TOPIC, self.process_recorder_class)
        recorder = recorder_class(
            self.env.name,
            alias=self.alias,
            model=self.models.event,
            tracking_model=self.models.tracking,
        )
        self._set_up(recorder)
        self._set_segment(recorder)
        return recorder

    def construct_tracking_recorder(
        self, tracking_recorder_class: type[TTrackingRecorder]
    ) -> TTrackingRecorder:
        """Return a new recorder of the class, with the application's name, database and model."""
        make: Any = tracking_recorder_class
        recorder: TTrackingRecorder = make(
            self.env.name, alias=self.alias, tracking_model=self.models.tracking
        )
        if isinstance(recorder, DjangoTrackingRecorder):
            self._set_segment(recorder)
        return recorder

    def to_async(self, func: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Return the async form of a function, called in the thread of the view's connections."""
        return aio(func)

    def release(self) -> None:
        """Close the calling thread's connection, unless a transaction is open on it."""
        connection = connections[self.alias]
        if not connection.in_atomic_block:
            connection.close()

    def _set_up(self, recorder: DjangoApplicationRecorder) -> None:
        recorder.notifies_others = self._notifies_others
        # By default, the sizes of events need not be asked for: as many as are read at a time fit.
        if Limits.of(self.env).allows_large_payloads:
            recorder.page_max_bytes = PAGE_MAX_BYTES

    def _set_segment(self, recorder: DjangoTrackingRecorder) -> None:
        recorder.segments = self._segments
        if self._number:
            recorder.segment = Segment(
                follower=self.env.name, number=self._number, count=self._segments
            )
