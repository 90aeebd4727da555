"""What the ``es_*`` commands share: settings, names and databases that are told in one line."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from django_eventsourcing.draining import DrainTimeoutError
from django_eventsourcing.errors import OperationError
from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.payloads import visible
from django_eventsourcing.problems import NotConfiguredError, did_you_mean, one_line
from django_eventsourcing.readiness import ServerAwayError, require_databases
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import SynchronousFollowerError
from django_eventsourcing.registry import ConfiguredSystem, get_system, systems
from eventsourcing.application import Application
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import PersistenceError

__all__ = ["FAILURE", "USAGE", "SystemCommand", "check_settings"]

FAILURE, USAGE = 1, 2
DRAIN_TIMEOUT = 5


class SystemCommand(BaseCommand):
    """A command that is about the configured systems; ``work()`` is what it does."""

    # Faults in the settings are told in one line, below, rather than as a list of checks.
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        with _quiet_end():
            check_settings()
            try:
                self.work(options)
            except OperationError as error:
                is_late = isinstance(error, DrainTimeoutError)
                code = DRAIN_TIMEOUT if is_late else FAILURE
                raise CommandError(str(error), returncode=code) from error
            except (DatabaseError, EventSourcingError, ImproperlyConfigured) as error:
                if isinstance(error, (DatabaseError, PersistenceError)):
                    _tell_what_is_missing()
                raise CommandError(one_line(error), returncode=FAILURE) from error

    def work(self, options: dict[str, Any]) -> None:
        """Do what the command is for."""
        raise NotImplementedError

    def find_systems(self, alias: str | None) -> list[ConfiguredSystem]:
        """Return the system of this alias, or all of them where none is given."""
        if alias is None and not systems:
            raise CommandError(
                "The settings have no system in EVENTSOURCING.  "
                "HINT: Add one: see the reference of settings.",
                returncode=FAILURE,
            )
        if alias is None:
            return list(systems.values())
        try:
            return [get_system(alias)]
        except NotConfiguredError as error:
            raise CommandError(str(error), returncode=USAGE) from error

    def find_follower(self, name: str) -> ConfiguredSystem:
        """Return the system that has this follower, or segment; their names are unique."""
        names = [each for system in systems.values() for each in system.runs]
        for system in systems.values():
            if name in system.system.followers or name in system.runs:
                return system
        raise CommandError(
            f"No configured system has a follower {name!r}.  "
            f"HINT: {did_you_mean(name, names, 'Followers')}",
            returncode=USAGE,
        )

    def find_persisted_follower(self, name: str) -> ConfiguredSystem:
        """
        Return the system that has this follower, if other processes can be told of it.

        Of one that is split, a segment is to be named.
        """
        system = self._find_persisted(name)
        if name not in system.runs:
            raise CommandError(
                f"{name} is split into {len(system.runs_of(name))} segments.  "
                f"HINT: Name one of them: {', '.join(system.runs_of(name))}.",
                returncode=USAGE,
            )
        return system

    def require_workers(self, system: ConfiguredSystem, name: str) -> None:
        """Raise ``CommandError`` for a follower that no worker processes, as it is synchronous."""
        recorder = system.get(name).recorder
        upstreams = system.upstreams_of(name)
        if isinstance(recorder, DjangoTrackingRecorder) and all(
            map(recorder.is_synchronous, upstreams)
        ):
            error = SynchronousFollowerError.by(name, " and ".join(upstreams))
            raise CommandError(str(error), returncode=USAGE)

    def find_whole_follower(self, name: str, alias: str | None) -> ConfiguredSystem:
        """Return the system of a follower, which is not to be a segment; that of ``alias``."""
        [*_, system] = self.find_persisted_runs(name).values()
        if name not in system.system.followers:
            raise CommandError(
                f"{name} is a segment.  HINT: Name the follower: {system.application_of(name)}.",
                returncode=USAGE,
            )
        if alias is not None and system not in self.find_systems(alias):
            raise CommandError(
                f"{name} belongs to the system {system.alias!r}, not to {alias!r}.  "
                f"HINT: Leave --system out.",
                returncode=USAGE,
            )
        return system

    def find_persisted_runs(self, name: str) -> dict[str, ConfiguredSystem]:
        """Return the system by the name of the follower; of one that is split, of each segment."""
        system = self._find_persisted(name)
        return dict.fromkeys(system.runs_of(name), system)

    def _find_persisted(self, name: str) -> ConfiguredSystem:
        system = self.find_follower(name)
        if not system.is_persisted(name):
            raise CommandError(
                f"{name} is kept in the memory of each process.  "
                f"HINT: Only followers that are kept in a database can be told from outside.",
                returncode=USAGE,
            )
        return system

    def find_application(self, name: str) -> tuple[ConfiguredSystem, Application]:
        """Return the application of this name, and its system."""
        names = [each for system in systems.values() for each in system.names]
        for system in systems.values():
            if system.has(name):
                return system, system.get(name)
        raise CommandError(
            f"No configured system has an application {name!r}.  "
            f"HINT: {did_you_mean(name, names, 'Applications')}",
            returncode=USAGE,
        )

    def write_result(self, result: object, lines: Iterable[str], *, as_json: bool) -> None:
        """Write what has been done as an envelope, which has the command's name, or as lines."""
        if as_json:
            name = type(self).__module__.rpartition(".")[2]
            self.write(envelope(name, result))
        else:
            for line in lines:
                self.write(line)

    def write(self, line: str) -> None:
        """Write a line, at once: whoever reads a pipe sees it when it is there."""
        self.stdout.write(visible(line))
        self.stdout.flush()


def check_settings(warn: Callable[[str], object] = lambda _: None) -> None:
    """Raise ``CommandError`` for the first serious fault of the settings; tell of the others."""
    # Databases are looked at by those who use them: without a list, Django 6.1 takes all.
    for message in checks.run_checks(tags=["eventsourcing"], databases=[]):
        line = f"{message.msg}  HINT: {message.hint} ({message.id})"
        if message.is_serious():
            raise CommandError(line, returncode=FAILURE)
        warn(line)


def _tell_what_is_missing() -> None:
    """Raise ``CommandError`` if a database does not answer or lacks tables, with the remedy."""
    for system in systems.values():
        try:
            require_databases(system)
        except ServerAwayError as error:
            raise CommandError(str(error), returncode=FAILURE) from error


@contextmanager
def _quiet_end() -> Iterator[None]:
    """End without a word when the reader of a pipe, such as ``head``, has had enough."""
    try:
        yield
    except BrokenPipeError:
        # The interpreter flushes when it ends, and would complain: nothing is left to read it.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
