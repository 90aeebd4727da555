"""The recorder of a follower: its events and its positions, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django import db
from django.db import transaction

from django_eventsourcing.models import (
    AbstractStoredEvent,
    AbstractTracking,
    StoredEventRecord,
    TrackingRecord,
)
from django_eventsourcing.recorders.application import DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import database_errors, translated
from django_eventsourcing.recorders.tracking import DjangoTrackingRecorder
from eventsourcing.persistence.recorders import ProcessRecorder
from eventsourcing.persistence.records import StoredEvent, Tracking

__all__ = ["DjangoProcessRecorder"]


class DjangoProcessRecorder(DjangoTrackingRecorder, DjangoApplicationRecorder, ProcessRecorder):
    """Keeps one follower's events and positions; what a policy writes commits with them."""

    def __init__(
        self,
        application_name: str,
        *,
        alias: str = "default",
        model: type[AbstractStoredEvent] = StoredEventRecord,
        tracking_model: type[AbstractTracking] = TrackingRecord,
    ) -> None:
        DjangoApplicationRecorder.__init__(self, application_name, alias=alias, model=model)
        DjangoTrackingRecorder.__init__(
            self, application_name, alias=alias, tracking_model=tracking_model
        )

    @contextmanager
    def processing(self, tracking: Tracking, *, after: int | None = None) -> Iterator[None]:
        """
        Process notifications in one transaction, which begins by claiming the first position.

        What the body raises goes on as it is, errors of ``django.db`` included, after everything
        written within has been rolled back.
        """
        raised_within: BaseException | None = None
        try:
            with transaction.atomic(using=self.alias):
                with database_errors(self.alias):
                    self._claim(tracking, after)
                try:
                    yield
                except BaseException as error:
                    raised_within = error
                    raise
        except db.Error as error:
            if error is raised_within:
                raise
            raise translated(error, self.alias) from error

    def _insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        tracking: Tracking | None = kwargs.pop("tracking", None)
        # First the position, last the events: their turn in the order of commits is waited for
        # by all other writers.
        if tracking is not None:
            self._insert_tracking(tracking)
        return super()._insert_events(stored_events, **kwargs)
