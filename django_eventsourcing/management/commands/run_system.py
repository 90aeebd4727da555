"""``manage.py run_system``: keep the followers of a system processing events."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import replace
from threading import Lock
from typing import Any, NoReturn

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from django_eventsourcing.conf import LONGEST_WAIT
from django_eventsourcing.databases import describe, labels_of, models_in, require_ready
from django_eventsourcing.loading import load_runner_class
from django_eventsourcing.management.signals import StopSignals
from django_eventsourcing.problems import NotConfiguredError, one_line
from django_eventsourcing.registry import ConfiguredSystem, get_system
from django_eventsourcing.runners import SystemRunner
from django_eventsourcing.runners.report import PipeReport, State, summary_table
from eventsourcing.exceptions import EventSourcingError

__all__ = ["Command"]

FAILURE, USAGE, POLICY_STOPPED, DRAIN_TIMEOUT = 1, 2, 3, 5


class Command(BaseCommand):
    help = (
        "Process the events of a system in its followers, until stopped by SIGTERM or Ctrl-C: "
        "the notification in hand is finished and committed; a second signal aborts and rolls "
        "back. Exit codes: 0 ok, 1 failure, 2 usage, 3 a follower has failed for good, 5 drain "
        "timeout."
    )
    # Faults in the settings are told in one line, below, rather than as a list of checks.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "alias", nargs="?", default="default", help="a key of EVENTSOURCING (default: default)"
        )
        parser.add_argument(
            "--only", action="append", metavar="FOLLOWER", help="run this follower (repeatable)"
        )
        parser.add_argument(
            "--exclude", action="append", metavar="FOLLOWER", help="leave it out (repeatable)"
        )
        parser.add_argument(
            "--once", action="store_true", help="catch up through all pipelines, then exit"
        )
        parser.add_argument(
            "--poll-interval",
            type=_seconds,
            metavar="SECONDS",
            help="time between looks for events of other processes",
        )
        parser.add_argument(
            "--batch-size",
            type=_count,
            metavar="N",
            help="notifications in one transaction, at most",
        )
        parser.add_argument(
            "--drain-timeout",
            type=_seconds,
            default=30.0,
            metavar="SECONDS",
            help="time for followers to finish when stopping (default: 30)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._lock = Lock()
        self._check_settings()
        system = self._system(options["alias"])
        runner = self._runner(system, options)
        _require_databases(system)
        _close_connections(system)
        with StopSignals() as signals:
            self._start(runner)
            self._write_banner(runner)
            is_drained = self._watch(runner, signals, options["drain_timeout"])
            if not is_drained:
                self._abandon(runner)
            # It may have been lost since it was last used.
            _close_connections(system)
            reports = runner.reports()
            self._write_summary(reports)
        _raise_for(reports, is_once=runner.once)

    def _check_settings(self) -> None:
        # The databases are looked at below: without a list, Django 6.1 would have all of them here.
        for message in checks.run_checks(tags=["eventsourcing"], databases=[]):
            line = f"{message.msg}  HINT: {message.hint} ({message.id})"
            if message.is_serious():
                raise CommandError(line, returncode=FAILURE)
            self.stderr.write(f"WARNING: {line}")

    def _system(self, alias: str) -> ConfiguredSystem:
        try:
            return get_system(alias)
        except NotConfiguredError as error:
            raise CommandError(str(error), returncode=USAGE) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=FAILURE) from error

    def _runner(self, system: ConfiguredSystem, options: dict[str, Any]) -> SystemRunner:
        given = {key: options[key] for key in ("poll_interval", "batch_size") if options[key]}
        return load_runner_class(system.config)(
            system,
            followers=_chosen(system, options["only"] or [], options["exclude"] or []),
            once=options["once"],
            options=replace(system.config.options, **given),
            write=self._write,
        )

    def _start(self, runner: SystemRunner) -> None:
        try:
            runner.start()
        except (ImproperlyConfigured, EventSourcingError) as error:
            raise CommandError(one_line(error), returncode=FAILURE) from error

    def _watch(self, runner: SystemRunner, signals: StopSignals, drain_timeout: float) -> bool:
        """Wait until the followers have ended; return whether they have, once asked to."""
        # Short waits: a signal handler can only raise a flag, which is looked at here.
        while not runner.wait(0.1):
            if signals.received:
                self._write(f"{signals.received}: finishing what is in hand; again to abort.")
                runner.stop()
                return runner.wait(drain_timeout)
        return True

    def _write_banner(self, runner: SystemRunner) -> None:
        system = runner.system
        pipes = ", ".join(f"{leader} > {follower}" for leader, follower in system.system.edges)
        databases = ", ".join(f"{a} ({describe(a)})" for a in system.databases) or "none (memory)"
        polling = f"every {runner.options.poll_interval:g} s"
        self._write(f"System {system.alias!r}: {pipes}")
        self._write(f"  databases  {databases}")
        self._write(f"  followers  {', '.join(runner.followers)}")
        self._write(f"  polling    {'until caught up' if runner.once else polling}")

    def _abandon(self, runner: SystemRunner) -> NoReturn:
        """End the process at once: what keeps the followers busy would keep anything else, too."""
        self._write_summary(runner.reports(look_up=False))
        self.stderr.write(
            "CommandError: Followers were still busy at the drain timeout; what they had in hand "
            "is rolled back.  HINT: Allow more by --drain-timeout."
        )
        for stream in (self.stdout, self.stderr, sys.stdout, sys.stderr):
            stream.flush()
        os._exit(DRAIN_TIMEOUT)

    def _write_summary(self, reports: list[PipeReport]) -> None:
        self._write("")
        for line in summary_table(reports):
            self._write(line)

    def _write(self, line: str) -> None:
        with self._lock:
            self.stdout.write(line)
            self.stdout.flush()


def _chosen(system: ConfiguredSystem, only: list[str], exclude: list[str]) -> list[str]:
    known = system.system.followers
    for option, names in (("--only", only), ("--exclude", exclude)):
        for name in names:
            if name not in known:
                raise CommandError(
                    f"{option} {name}: system {system.alias!r} has no such follower.  "
                    f"HINT: Its followers: {', '.join(known) or 'none'}.",
                    returncode=USAGE,
                )
    chosen = [name for name in known if (not only or name in only) and name not in exclude]
    if not known:
        raise CommandError(
            f"System {system.alias!r} has no followers.  "
            f"HINT: A pipe leads from an application to its follower: give it two classes or more.",
            returncode=USAGE,
        )
    if not chosen:
        raise CommandError(
            f"--exclude leaves no follower to run in system {system.alias!r}.  "
            f"HINT: Its followers: {', '.join(known)}.",
            returncode=USAGE,
        )
    return chosen


def _require_databases(system: ConfiguredSystem) -> None:
    for alias in system.databases:
        names = system.names_in(alias)
        labels = labels_of(system.system.get_app_cls(name) for name in names)
        labels = labels.union(*(system.models_of(name).app_labels for name in names))
        require_ready(alias, labels, models_in(system, alias))


def _close_connections(system: ConfiguredSystem) -> None:
    """Close the connections of this thread, which has no use for them while followers work."""
    for alias in system.databases:
        if not connections[alias].in_atomic_block:
            connections[alias].close()


def _raise_for(reports: list[PipeReport], *, is_once: bool) -> None:
    states = {report.follower: report.state for report in reports}
    for state, code, hint in (
        (State.DIED, FAILURE, "The log has the traceback."),
        (State.FAILED, POLICY_STOPPED, "Remove the cause and start again: it goes on from there."),
        (State.STOPPED, FAILURE if is_once else 0, "Start again: it goes on from there."),
    ):
        names = ", ".join(name for name, s in states.items() if s is state)
        if names and code:
            raise CommandError(f"Not caught up: {names} {state}.  HINT: {hint}", returncode=code)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= LONGEST_WAIT:
        raise ArgumentTypeError(
            f"{text!r} is not a number of seconds above 0, up to {LONGEST_WAIT}"
        )
    return seconds


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)
