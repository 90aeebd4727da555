"""Applications: aggregates, kept and found again, behind methods in the words of the business."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, Self

from eventsourcing.application.cache import Cache, LRUCache
from eventsourcing.application.errors import ProgrammingError
from eventsourcing.application.processing import ProcessingEvent
from eventsourcing.application.repository import ProjectorFunction, Repository, project_aggregate
from eventsourcing.asynchronous import ToAsync
from eventsourcing.deprecation import EarlierName
from eventsourcing.environment import Environment, EnvType, strtobool
from eventsourcing.persistence import (
    ApplicationRecorder,
    InfrastructureFactory,
    IntegrityError,
    RecordConflictError,
)

if TYPE_CHECKING:
    from uuid import UUID

    from eventsourcing.application.async_methods import AsyncMethods
    from eventsourcing.application.notification_log import NotificationLog
    from eventsourcing.persistence import EventStore, Mapper, Recording, Transcoder

__all__ = ["Application"]


class Application:
    """
    Base class of event-sourced applications.

    Define methods that get or make aggregates, call their commands, and ``save()`` them. One
    instance may be shared by many threads.
    """

    name: ClassVar[str] = "Application"
    """The name under which events are stored; the class's own unless set."""
    env: EnvType = {}
    """Settings of this class, below the process environment and the constructor's argument."""
    is_snapshotting_enabled: ClassVar[bool] = False
    """Whether snapshots are kept; also implied by ``snapshotting_intervals``."""
    snapshotting_intervals: ClassVar[dict[type[Any], int]] = {}
    """Aggregate classes, each with the number of versions from one snapshot to the next."""
    snapshotting_projectors: ClassVar[dict[type[Any], ProjectorFunction]] = {}
    """Aggregate classes, each with the function that rebuilds it for a snapshot."""
    snapshot_class: ClassVar[type[Any] | None] = None
    """The class of snapshots of aggregates that do not define their own ``Snapshot``."""
    log_section_size: ClassVar[int] = 10
    """The number of notifications in a full section of the notification log."""
    notify_topics: Sequence[str] = ()
    """Topics of the events for which followers are prompted; all, if empty."""

    log = EarlierName("notification_log")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__

    def __class_getitem__(cls, id_type: type[Any]) -> type[Self]:
        """Return the class itself: the type of its aggregates' ids may be stated, or not."""
        return cls

    def __init__(self, env: EnvType | None = None) -> None:
        self.closing = Event()
        self.env: Environment = self.construct_env(self.name, env)
        self.factory = self.construct_factory(self.env)
        self.mapper = self.construct_mapper()
        self.recorder = self.construct_recorder()
        self.events = self.construct_event_store()
        self.snapshots = self.construct_snapshot_store() if self._keeps_snapshots() else None
        self.repository = self.construct_repository()
        self.notification_log = self.construct_notification_log()
        self.to_async: ToAsync = self.factory.to_async
        """Makes the async forms of the methods."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    @property
    def aio(self) -> AsyncMethods:
        """The application's methods in async form; see ``AsyncMethods``."""
        from eventsourcing.application.async_methods import AsyncMethods

        return AsyncMethods(self, self.to_async)

    def save(self, *objs: Any, **kwargs: Any) -> list[Recording]:
        """
        Record the pending events of aggregates, and events given as such, in one transaction.

        The events are recorded in the order of the arguments; ``None`` is passed over. Keyword
        arguments travel to the recorder. Return a recording for each event. Raise
        ``IntegrityError`` if an aggregate has got newer events meanwhile; whatever the failure,
        nothing is recorded and the aggregates keep their pending events.
        """
        processing_event = ProcessingEvent()
        processing_event.collect_events(*objs, **kwargs)
        try:
            recordings = self._record(processing_event)
        except BaseException:
            processing_event.restore_events()
            raise
        self._take_snapshots(processing_event)
        self._notify(recordings)
        self._notify_of(processing_event)
        return recordings

    def take_snapshot(
        self,
        aggregate_id: UUID | str,
        version: int | None = None,
        projector_func: ProjectorFunction = project_aggregate,
    ) -> None:
        """Keep the aggregate's state at a version, the last by default, as a snapshot."""
        if self.snapshots is None:
            raise AssertionError(
                f"{self.name} keeps no snapshots. Set {type(self).__name__}."
                f"is_snapshotting_enabled, or IS_SNAPSHOTTING_ENABLED in its environment."
            )
        aggregate = self.repository.get(
            aggregate_id, version=version, projector_func=projector_func
        )
        self._put_snapshot(self.snapshots, aggregate)

    def close(self) -> None:
        """Give back what the application holds; it cannot be used afterwards."""
        self.closing.set()
        self.factory.close()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Return the settings: the class's own, then the process environment's, then ``env``."""
        return Environment(name, {**type(self).env, **os.environ, **(env or {})})

    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        """Return the factory of the application's persistence."""
        return InfrastructureFactory.construct(env)

    def construct_mapper(self) -> Mapper:
        """Return the mapper, with a transcoder that knows the application's transcodings."""
        return self.factory.mapper(transcoder=self.construct_transcoder())

    def construct_transcoder(self) -> Transcoder:
        """Return the transcoder with its transcodings registered."""
        transcoder = self.factory.transcoder()
        self.register_transcodings(transcoder)
        return transcoder

    def register_transcodings(self, transcoder: Transcoder) -> None:
        """Register the transcodings of UUIDs, decimals and datetimes; extend it for your own."""
        from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, UUIDAsHex

        transcoder.register(UUIDAsHex())
        transcoder.register(DecimalAsStr())
        transcoder.register(DatetimeAsISO())

    def construct_recorder(self) -> ApplicationRecorder:
        """Return the recorder of the application's events."""
        return self.factory.application_recorder()

    def construct_event_store(self) -> EventStore:
        """Return the store of the application's events."""
        return self.factory.event_store(mapper=self.mapper, recorder=self.recorder)

    def construct_snapshot_store(self) -> EventStore:
        """Return the store of the application's snapshots."""
        recorder = self.factory.aggregate_recorder(purpose="snapshots")
        return self.factory.event_store(mapper=self.mapper, recorder=recorder)

    def construct_repository(self) -> Repository:
        """Return the repository of the application's aggregates, with the cache that is set."""
        return Repository(
            self.events,
            snapshot_store=self.snapshots,
            cache=self._construct_cache(),
            fastforward=self._is_on("AGGREGATE_CACHE_FASTFORWARD", "y"),
            fastforward_skipping=self._is_on("AGGREGATE_CACHE_FASTFORWARD_SKIPPING", "n"),
            deepcopy_from_cache=self._is_on("DEEPCOPY_FROM_AGGREGATE_CACHE", "y"),
        )

    def construct_notification_log(self) -> NotificationLog:
        """Return the log by which followers read the application's events."""
        from eventsourcing.application.notification_log import LocalNotificationLog

        return LocalNotificationLog(self.recorder, section_size=self.log_section_size)

    def notify(self, new_events: Sequence[Any]) -> None:
        """Do nothing; called with the new events after they have been committed."""

    def _record(self, processing_event: ProcessingEvent) -> list[Recording]:
        if not processing_event.events and processing_event.tracking is None:
            return []
        kwargs = dict(processing_event.saved_kwargs)
        if processing_event.tracking is not None:
            kwargs["tracking"] = processing_event.tracking
        try:
            recordings = self.events.put(processing_event.events, **kwargs)
        except IntegrityError:
            # The aggregates may have been taken from a cache that is behind.
            for aggregate_id in processing_event.aggregates:
                self.repository.forget(aggregate_id)
            raise
        for aggregate in processing_event.aggregates.values():
            self.repository.remember(aggregate)
        return recordings

    def _notify(self, recordings: list[Recording]) -> None:
        """Do nothing; leaders prompt their followers."""

    def _construct_cache(self) -> Cache[UUID | str, Any] | None:
        key = "AGGREGATE_CACHE_MAXSIZE"
        maxsize = self.env.get(key)
        if not maxsize:
            return None
        try:
            return LRUCache(int(maxsize)) if int(maxsize) > 0 else Cache()
        except ValueError:
            raise ValueError(
                f"{key} is {maxsize!r}. Give a number of aggregates, or 0 for no limit."
            ) from None

    def _is_on(self, key: str, default: str) -> bool:
        value = self.env.get(key) or default
        try:
            return strtobool(value)
        except ValueError as error:
            raise ValueError(f"{key} is {value!r}: {error}") from None

    def _notify_of(self, processing_event: ProcessingEvent) -> None:
        if processing_event.events:
            self.recorder.on_commit(partial(self.notify, processing_event.events))

    def _keeps_snapshots(self) -> bool:
        return bool(
            self.is_snapshotting_enabled
            or self.snapshotting_intervals
            or self.factory.is_snapshotting_enabled()
        )

    def _take_snapshots(self, processing_event: ProcessingEvent) -> None:
        if self.snapshots is None or not self.snapshotting_intervals:
            return
        for event in processing_event.events:
            aggregate = processing_event.aggregates.get(event.originator_id)
            interval = self.snapshotting_intervals.get(type(aggregate))
            if interval and event.originator_version % interval == 0:
                self._take_due_snapshot(self.snapshots, aggregate, event.originator_version)

    def _take_due_snapshot(self, snapshots: EventStore, aggregate: Any, version: int) -> None:
        # The events are recorded already, and a snapshot only saves time: its failure is none of
        # the caller's concern.
        try:
            with self.recorder.attempt():
                if aggregate.version != version:
                    aggregate = self.repository.get(
                        aggregate.id,
                        version=version,
                        projector_func=self.snapshotting_projectors.get(
                            type(aggregate), project_aggregate
                        ),
                    )
                self._put_snapshot(snapshots, aggregate)
        except RecordConflictError:
            pass
        except Exception as error:
            import logging

            logging.getLogger(__name__).warning(
                "%s could not keep a snapshot of %s at version %s: %s: %s",
                self.name,
                aggregate.id,
                version,
                type(error).__name__,
                error,
                exc_info=True,
            )

    def _put_snapshot(self, snapshots: EventStore, aggregate: Any) -> None:
        snapshot_class = getattr(type(aggregate), "Snapshot", None) or self.snapshot_class
        if snapshot_class is None:
            raise ProgrammingError(
                f"{type(aggregate).__qualname__} defines no Snapshot class, and "
                f"{type(self).__name__}.snapshot_class is not set. Set one of the two."
            )
        snapshots.put([snapshot_class.take(aggregate)])
