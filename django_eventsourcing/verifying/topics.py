"""Topics: whether each that is stored stands for a class of events that the code has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from django.db.models import Count, Min

from django_eventsourcing.problems import one_line
from django_eventsourcing.progress import ProgressLog
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.verifying.asking import go_on
from eventsourcing.application import Application
from eventsourcing.topics import TopicError, find_topic

__all__ = ["TopicReport", "TopicVerification", "UnresolvedTopic", "fault_of_topic"]

WINDOW = 20_000
"""How many ids are looked at in one statement."""


@dataclass(frozen=True, kw_only=True)
class UnresolvedTopic:
    """A topic that stands for no class, with the events that cannot be read because of it."""

    topic: str
    events: int
    first_id: int
    """The notification id of the first of them."""
    error: str

    def __str__(self) -> str:
        number = f"{self.events:,} event{'' if self.events == 1 else 's'}"
        return f"{self.topic}: {number} from id {self.first_id}: {self.error}"


@dataclass(frozen=True, kw_only=True)
class TopicReport:
    """What the topics of one application's events stand for."""

    application: str
    events: int
    topics: int
    """How many different ones there are."""
    unresolved: list[UnresolvedTopic]

    @property
    def findings(self) -> int:
        """How many topics stand for nothing."""
        return len(self.unresolved)

    def lines(self) -> Iterator[str]:
        """Yield the report as text."""
        well = "all resolve" if not self.unresolved else f"{self.findings:,} do not resolve"
        yield f"{self.application}: {self.topics:,} topics of {self.events:,} events, {well}"
        for each in self.unresolved:
            yield f"  topic {each}"


@dataclass
class _Seen:
    events: int = 0
    first_id: int = 0


@dataclass
class TopicVerification:
    """
    Looks at the topics of all events of an application, in windows of ids.

    The database groups the events of each window, so that few rows travel. Topics are resolved as
    the application's mapper does it, which imports nothing.
    """

    application: Application
    write: Callable[[str], object] = lambda _: None
    is_stopping: Callable[[], bool] = lambda: False
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def run(self) -> TopicReport:
        """Look at them; return what was found."""
        for topic, events, first_id in self._grouped():
            seen = self._seen.setdefault(topic, _Seen(first_id=first_id))
            seen.events += events
        return TopicReport(
            application=self.application.name,
            events=sum(seen.events for seen in self._seen.values()),
            topics=len(self._seen),
            unresolved=[
                UnresolvedTopic(
                    topic=topic, events=seen.events, first_id=seen.first_id, error=error
                )
                for topic, seen in sorted(self._seen.items())
                if (error := fault_of_topic(topic))
            ],
        )

    def _grouped(self) -> Iterator[tuple[str, int, int]]:
        recorder = cast(DjangoApplicationRecorder, self.application.recorder)
        events: Any = recorder.log.of(self.application.name)
        with database_errors(recorder.alias):
            head = events.last_position() or 0
        progress = ProgressLog(self.write, f"{self.application.name} topics", left_word="ids left")
        position = 0
        while True:
            go_on(self.is_stopping)
            with database_errors(recorder.alias):
                # Ids may have wide gaps, which are leapt over.
                later = recorder.log.log_after(self.application.name, position).until(head)
                first = later.values_list("id", flat=True).first()
                if first is None:
                    break
                position = first + WINDOW - 1
                window = events.starting_at(first).until(min(position, head)).order_by("topic")
                groups = window.values_list("topic").annotate(many=Count("id"), first=Min("id"))
                found = list(groups)
            yield from found
            left = max(0, head - position)
            progress.advance(sum(many for _, many, _ in found), left=lambda left=left: left)  # type: ignore[misc]
        progress.finish()


def fault_of_topic(topic: str) -> str:
    """Return why the topic stands for no class; an empty text if it does."""
    try:
        found = find_topic(topic)
    except TopicError as error:
        return one_line(error)
    return "" if isinstance(found, type) else "it does not name a class."
