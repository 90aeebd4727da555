"""Projections: what another application's events come to, in a view."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from eventsourcing.persistence import Tracking, TrackingRecorder

__all__ = ["Projection", "TView"]

TView = TypeVar("TView", bound=TrackingRecorder)


class Projection(ABC, Generic[TView]):
    """
    Processes events into a view.

    The view is a tracking recorder with methods of its own; each of those that change it records
    the position in the same transaction.
    """

    name: ClassVar[str] = "Projection"
    """The name under which settings are found; the class's own unless set."""
    topics: Sequence[str] = ()
    """Topics of the events to process; all, if empty."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = cls.__name__

    def __init__(self, view: TView) -> None:
        self.view = view

    @abstractmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Change the view for the event, and record the position with the change."""
