"""Requested rebuilds: what ``run_system`` has done by another process, one after the other."""

import logging
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Self

from django.db import Error as DatabaseError

from django_eventsourcing.management.who import os_user
from django_eventsourcing.models import ProjectionRecord, RebuildRequest
from django_eventsourcing.problems import described
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.rebuilding import RebuildRefusedError, Requests
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.renewing import renew_connections
from django_eventsourcing.runners.leases import WorkerIdentity
from django_eventsourcing.runners.outages import close_connections
from eventsourcing.persistence import PersistenceError

__all__ = ["RequestedRebuilds"]

logger = logging.getLogger(__name__)

# Seconds from one look at what is requested to the next.
_LOOK = 1.0
# Seconds in which the batch in hand can be finished, mostly.
_LONGEST_GOODBYE = 10.0
# How often a process may end without a word of why, before nobody tries again.
_MOST_ENDS = 3
_FAULTS = (DatabaseError, PersistenceError)


class RequestedRebuilds:
    """
    Looks for rebuilds that are requested, and has each done in a process beside this one.

    Of several workers, one takes a request. The lines of the process are handed on. At the end of
    the ``with`` block it is asked to stop; what it has done by then stays, and whoever takes the
    request next goes on. A request that cannot be done is left with the reason.
    """

    def __init__(
        self,
        program: Sequence[str],
        system: ConfiguredSystem,
        followers: Iterable[str],
        *,
        worker_name: str = "",
        write: Callable[[str], object],
    ) -> None:
        self._program = program
        self._system = system
        self._worker = WorkerIdentity.of_this_process(system.alias, worker_name)
        self._write = write
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="requested rebuilds", daemon=True)
        self._ends: Counter[int] = Counter()
        self._away: set[str] = set()
        """The databases that have not answered when they were looked at last."""
        self._projections: dict[str, list[str]] = {}
        for name in dict.fromkeys(map(system.application_of, followers)):
            if issubclass(system.class_of(name), ModelProjection) and system.is_persisted(name):
                self._projections.setdefault(system.database_of(name), []).append(name)

    def request_due(self, followers: Iterable[str]) -> None:
        """Request what the settings say of projections whose code has a higher version."""
        own = [name for names in self._projections.values() for name in names]
        for name in followers:
            if name in own and self._system.config.rebuild_of(name) == "shadow":
                # Another worker may have been faster.
                with suppress(RebuildRefusedError):
                    Requests(self._system.database_of(name)).put(
                        name,
                        ProjectionRecord.Kind.SHADOW,
                        reason="its code has a higher version than its rows",
                        by=os_user(),
                    )

    def __enter__(self) -> Self:
        if self._projections:
            self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask the process to stop, and wait for it a while."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_GOODBYE + _LOOK)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                for alias, request in self._taken():
                    self._carry_out(Requests(alias), request)
                self._stopping.wait(_LOOK)
        except Exception:
            logger.exception("Rebuilds that are requested are not begun any more by this process")
        finally:
            close_connections()

    def _taken(self) -> Iterator[tuple[str, RebuildRequest]]:
        """Take a request in each database, and yield it, as long as there is no stop."""
        for alias, names in self._projections.items():
            if self._stopping.is_set():
                return
            request: RebuildRequest | None = None
            with self._forgiving(alias):
                request = Requests(alias).take(names, self._worker)
            if request is not None:
                yield alias, request

    def _carry_out(self, requests: Requests, request: RebuildRequest) -> None:
        name = request.projection.application_name
        is_shadow = request.kind == ProjectionRecord.Kind.SHADOW
        options = ["--noinput", "--requested", *(["--shadow"] if is_shadow else [])]
        # A session of its own: Ctrl-C reaches it through this process alone, once.
        process = subprocess.Popen(  # noqa: S603 - this program's own command
            [*self._program, "es_rebuild", name, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        lines = Thread(target=self._hand_on, args=[process], daemon=True)
        lines.start()
        self._attend(process, requests, request)
        lines.join(_LONGEST_GOODBYE)
        is_left = False
        with self._forgiving(requests.alias):
            is_left = requests.release(request, self._worker)
        if is_left and not self._stopping.is_set():
            self._note_end(process.returncode, requests, request)

    def _attend(
        self, process: "subprocess.Popen[str]", requests: Requests, request: RebuildRequest
    ) -> None:
        """Say that the request is taken until the process has ended."""
        while process.poll() is None:
            if self._stopping.is_set():
                process.terminate()
                # One that takes longer goes on to the end of its batch by itself.
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_LONGEST_GOODBYE)
                return
            with self._forgiving(requests.alias):
                requests.prolong(request, self._worker)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)

    def _note_end(self, code: int, requests: Requests, request: RebuildRequest) -> None:
        """Let it be tried again, unless that has been in vain."""
        self._ends[request.pk] += 1
        if self._ends[request.pk] < _MOST_ENDS:
            self._write(f"es_rebuild: ended with {code}; it is tried again")
            self._stopping.wait(_LOOK * self._ends[request.pk])
            return
        with self._forgiving(requests.alias):
            requests.fail(
                request,
                f"es_rebuild has ended with {code}, {_MOST_ENDS} times; the output of the worker "
                f"{self._worker.name} has more",
            )

    def _forgiving(self, alias: str) -> "_Forgiving":
        return _Forgiving(alias, self._away)

    def _hand_on(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            self._write(f"es_rebuild: {line.rstrip()}")


class _Forgiving:
    """Goes on when a database does not answer, which is told once."""

    def __init__(self, alias: str, away: set[str]) -> None:
        self._alias = alias
        self._away = away

    def __enter__(self) -> Self:
        renew_connections()
        return self

    def __exit__(self, kind: object, error: BaseException | None, *args: object) -> bool:
        if error is None:
            self._away.discard(self._alias)
            renew_connections()
            return False
        if not isinstance(error, _FAULTS):
            return False
        close_connections()
        if self._alias not in self._away:
            self._away.add(self._alias)
            logger.warning(
                "Requests for rebuilds in database %r wait for it: %s",
                self._alias,
                described(error),
            )
        return True
