"""Metrics: the numbers of a status in the text format of Prometheus, version 0.0.4."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from django_eventsourcing.problems import one_line
from django_eventsourcing.registry import systems
from django_eventsourcing.status import (
    FollowerStatus,
    SystemStatus,
    Verdict,
    WorkerStatus,
    system_status,
)
from django_eventsourcing.status.look import COUNT_LIMIT
from django_eventsourcing.views.access import for_operators

__all__ = ["metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_HELP = {
    "up": "Whether all databases of the system could be read.",
    "follower_position": "The id of the last notification that was processed.",
    "follower_head": "The id of the last notification in the log.",
    "follower_behind": f"How many notifications are pending; counted up to {COUNT_LIMIT}.",
    "follower_behind_seconds": "The age of the oldest pending notification; 0 if there is none.",
    "follower_parked": f"How many notifications are set aside; counted up to {COUNT_LIMIT}.",
    "follower_verdict": "How the follower is doing: 1 for the verdict that holds, else 0.",
    "follower_lease_live": "Whether a worker holds the follower.",
    "worker_heartbeat_age_seconds": "How long ago the worker was last heard of.",
    "workers": "How many workers are alive.",
    "transaction_open_seconds": "How long a transaction has been open that holds a log up.",
}


@for_operators
def metrics(_request: HttpRequest) -> HttpResponse:
    """Return the numbers of all systems."""
    try:
        samples = _Samples(system_status(alias) for alias in systems)
    except ImproperlyConfigured as error:
        return HttpResponse(f"# {one_line(error)}\n", status=503, content_type=CONTENT_TYPE)
    return HttpResponse("".join(samples.lines()), content_type=CONTENT_TYPE)


@dataclass
class _Samples:
    """The samples of all systems; those of one name stand together."""

    statuses: Iterable[SystemStatus]
    found: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for status in self.statuses:
            self._add_system(status)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text."""
        for name, text in _HELP.items():
            yield f"# HELP eventsourcing_{name} {text}\n# TYPE eventsourcing_{name} gauge\n"
            yield from self.found.get(name, ())

    def _add_system(self, status: SystemStatus) -> None:
        unknown = any(each.verdict is Verdict.UNKNOWN for each in status.followers)
        self._add("up", not (unknown or status.errors), system=status.alias)
        for follower in status.followers:
            self._add_follower(status.alias, follower)
        for worker in status.workers:
            self._add_worker(status.alias, worker)
        alive = sum(worker.is_alive for worker in status.workers)
        self._add("workers", alive, system=status.alias)
        for holder in status.holders:
            self._add(
                "transaction_open_seconds",
                holder.seconds,
                system=status.alias,
                database=holder.database,
                pid=str(holder.pid or ""),
            )

    def _add_follower(self, system: str, follower: FollowerStatus) -> None:
        labels = {"system": system, "follower": follower.name}
        for verdict in Verdict:
            is_so = follower.verdict is verdict
            self._add("follower_verdict", is_so, **labels, verdict=verdict)
        if follower.error and not follower.pipes:
            return
        self._add("follower_parked", follower.parked, **labels)
        self._add("follower_lease_live", follower.is_held, **labels)
        for pipe in follower.pipes:
            if pipe.error:
                continue
            of_pipe = {**labels, "upstream": pipe.upstream}
            self._add("follower_position", pipe.position or 0, **of_pipe)
            self._add("follower_head", pipe.head or 0, **of_pipe)
            self._add("follower_behind", pipe.behind, **of_pipe)
            self._add("follower_behind_seconds", pipe.behind_seconds or 0.0, **of_pipe)

    def _add_worker(self, system: str, worker: WorkerStatus) -> None:
        self._add(
            "worker_heartbeat_age_seconds",
            worker.heartbeat_seconds,
            system=system,
            worker=worker.name,
            host=worker.host,
            pid=str(worker.pid),
        )

    def _add(self, name: str, value: float | None, **labels: str) -> None:
        if value is None:
            return
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        number = f"{int(value)}" if isinstance(value, (bool, int)) else f"{value:.3f}"
        self.found.setdefault(name, []).append(f"eventsourcing_{name}{{{shown}}} {number}\n")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
