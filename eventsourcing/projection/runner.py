"""Projection runners: an application and a projection of its events, kept going in a thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, Generic, Self, TypeVar

from eventsourcing.application import Application
from eventsourcing.environment import EnvType
from eventsourcing.persistence import (
    InfrastructureFactory,
    TrackingRecorder,
    WaitInterruptedError,
)
from eventsourcing.projection.event_sourced import EventSourcedProjection
from eventsourcing.projection.projection import Projection, TView
from eventsourcing.projection.subscription import ApplicationSubscription

__all__ = ["BaseProjectionRunner", "EventSourcedProjectionRunner", "ProjectionRunner"]

logger = logging.getLogger(__name__)

TApplication = TypeVar("TApplication", bound=Application)
TEventSourcedProjection = TypeVar("TEventSourcedProjection", bound=EventSourcedProjection)


class BaseProjectionRunner(Generic[TApplication]):
    """
    Processes an application's events in a thread, from the recorded position on.

    It starts when it is made. Use it as a context manager: leaving it stops the thread, closes
    the application, and raises the error of the projection if nobody has seen it.
    """

    def __init__(
        self,
        app: TApplication,
        tracking_recorder: TrackingRecorder,
        projection: Projection[Any] | EventSourcedProjection,
        releases: Sequence[Callable[[], None]],
    ) -> None:
        self.app = app
        self.app_name = app.name
        self.is_interrupted = Event()
        """Set when the runner has been stopped, or has failed."""
        self._tracking_recorder = tracking_recorder
        self._projection = projection
        self._releases = releases
        self._error: BaseException | None = None
        self._is_error_seen = False
        self._subscription = ApplicationSubscription(
            app, gt=tracking_recorder.max_tracking_id(app.name), topics=projection.topics
        )
        self._thread = Thread(target=self._run, name=f"{projection.name} projection", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()
        self._thread.join()
        self._close()
        if not self._is_error_seen:
            self._raise_error()

    def run_forever(self, timeout: float | None = None) -> None:
        """
        Wait until the runner is stopped, or for some seconds.

        Raise what the projection has raised, which stops the runner.
        """
        self.is_interrupted.wait(timeout)
        self._raise_error()

    def wait(self, notification_id: int | None, timeout: float = 1.0) -> None:
        """
        Wait until the notification has been processed.

        Raise ``TimeoutError`` if it has not within the time-out, in seconds, and what the
        projection has raised if it has failed. Return at once when the runner is stopped.
        """
        try:
            self._tracking_recorder.wait(
                self.app_name, notification_id, timeout, interrupt=self.is_interrupted
            )
        except WaitInterruptedError:
            self._raise_error()

    def stop(self) -> None:
        """Process no more events; what is being processed is finished."""
        self._subscription.stop()
        self.is_interrupted.set()
        self._tracking_recorder.announcer.announce()

    def _run(self) -> None:
        try:
            with self._subscription:
                self._process_events()
        except BaseException as error:
            logger.exception("%s has stopped", self._projection.name)
            self._error = error
        finally:
            self.is_interrupted.set()
            self._tracking_recorder.announcer.announce()
            for release in self._releases:
                release()

    def _process_events(self) -> None:
        while not self.is_interrupted.is_set():
            try:
                domain_event, tracking = self._subscription.advance()
            except StopIteration:
                return
            notification = self._subscription.notification
            if notification is None:
                # Events of other topics count as processed, or a wait for the last of them would
                # not end.
                self._tracking_recorder.pass_over(tracking)
            else:
                with self._tracking_recorder.handling(self.app_name, notification):
                    self._projection.process_event(domain_event, tracking)

    def _raise_error(self) -> None:
        if self._error is not None:
            self._is_error_seen = True
            raise self._error

    def _close(self) -> None:
        self.app.close()


class ProjectionRunner(BaseProjectionRunner[TApplication], Generic[TApplication, TView]):
    """Runs an application and a projection of its events into a view."""

    def __init__(
        self,
        *,
        application_class: type[TApplication],
        projection_class: type[Projection[TView]],
        view_class: type[TView],
        env: EnvType | None = None,
    ) -> None:
        app = application_class(env)
        self._factory = InfrastructureFactory.construct(
            app.construct_env(projection_class.name, env)
        )
        self.view = self._factory.tracking_recorder(view_class)
        self.projection = projection_class(self.view)
        super().__init__(
            app, self.view, self.projection, [self._factory.release, app.factory.release]
        )

    def _close(self) -> None:
        super()._close()
        self._factory.close()


class EventSourcedProjectionRunner(
    BaseProjectionRunner[TApplication], Generic[TApplication, TEventSourcedProjection]
):
    """Runs an application and an event-sourced projection of its events."""

    def __init__(
        self,
        *,
        application_class: type[TApplication],
        projection_class: type[TEventSourcedProjection],
        env: EnvType | None = None,
    ) -> None:
        app = application_class(env)
        self.projection = projection_class(env)
        super().__init__(
            app,
            self.projection.recorder,
            self.projection,
            [self.projection.factory.release, app.factory.release],
        )

    def _close(self) -> None:
        super()._close()
        self.projection.close()
