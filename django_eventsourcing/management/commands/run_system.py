"""``manage.py run_system``: keep the followers of a system processing events."""

import logging
import os
import signal
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict, replace
from threading import Event
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import autoreload

from django_eventsourcing.databases import describe
from django_eventsourcing.dead_letters import count_parked
from django_eventsourcing.loading import load_runner_class
from django_eventsourcing.management import run_options
from django_eventsourcing.management.base import FAILURE, USAGE, check_settings
from django_eventsourcing.management.lines import Lines
from django_eventsourcing.management.reloading import watch_what_fails
from django_eventsourcing.management.requested_rebuilds import RequestedRebuilds
from django_eventsourcing.management.signals import StopSignals
from django_eventsourcing.management.supervisor import RELOAD, Supervisor, program
from django_eventsourcing.problems import NotConfiguredError, one_line
from django_eventsourcing.readiness import ServerAwayError, require_databases
from django_eventsourcing.rebuilding.versions import note_versions
from django_eventsourcing.registry import ConfiguredSystem, get_system
from django_eventsourcing.runners import SystemRunner
from django_eventsourcing.runners.outages import OutageBackoff
from django_eventsourcing.runners.report import PipeReport, State, summary_table
from eventsourcing.exceptions import EventSourcingError
from eventsourcing.persistence import PersistenceError

__all__ = ["Command"]

logger = logging.getLogger(__name__)

POLICY_STOPPED, DRAIN_TIMEOUT = 3, 5


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
        run_options.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self._lines = Lines(self.stdout, is_json=options["log_format"] == "json")
        with self._lines.with_log("django_eventsourcing"):
            try:
                self._handle(options)
            except CommandError as error:
                if self._lines.is_json:
                    self._lines.write(str(error), level="ERROR")
                raise

    def _handle(self, options: dict[str, Any]) -> None:
        self._is_child = options["parent"] is not None
        if options["once"] and options["reload"]:
            raise CommandError(
                "--once and --reload exclude each other: a run that ends when it has caught up "
                "does not wait for code to change.  HINT: Leave one of them out.",
                returncode=USAGE,
            )
        options["reload"] = self._reloads(options)
        if not self._is_child and (options["reload"] or (options["processes"] or 1) > 1):
            self._supervise(options)
        elif options["reload"]:
            self._run_reloading(options)
        else:
            with StopSignals() as signals:
                self._run(options, signals)

    def _reloads(self, options: dict[str, Any]) -> bool:
        if options["reload"] is not None:
            return bool(options["reload"])
        # By call_command(), it runs in a process that is not its own.
        return settings.DEBUG and self._is_command_line and not options["once"]

    @property
    def _is_command_line(self) -> bool:
        return bool(getattr(self, "_called_from_command_line", False))

    def _supervise(self, options: dict[str, Any]) -> None:
        """Let other processes do the work, and end with the code that sums up theirs."""
        self._check_settings()
        system = self._system(options["alias"])
        self._runner(system, options)
        own = program(is_own=self._is_command_line)
        number = options["processes"] or 1
        if number > 1:
            self._warn_of_single_writers(system)
        supervisor = Supervisor(
            [
                own
                + run_options.child_arguments(
                    options, number=n + 1 if number > 1 else None, parent=os.getpid()
                )
                for n in range(number)
            ],
            once=options["once"],
            final=(USAGE, POLICY_STOPPED),
            is_reloading=options["reload"],
            write=self._write,
        )
        with StopSignals(on_abort=supervisor.abort) as signals:
            code = supervisor.run(signals)
        if code:
            # What has happened, the processes have told.
            sys.exit(code)

    def _run_reloading(self, options: dict[str, Any]) -> None:
        """Run until code changes, which Django's autoreloader finds; then end with its code."""
        signals = StopSignals()
        ended = Event()

        def run() -> None:
            try:
                self._run(options, signals)
            except CommandError as error:
                self.stderr.write(f"CommandError: {error}")
                watch_what_fails()
            finally:
                ended.set()
            if not signals.received:
                self._write("Waiting for a change of code.")

        try:
            # This thread watches the files; a signal, or a change, ends it.
            autoreload.run_with_reloader(run)
        except SystemExit as end:
            signals.received = "Change of code" if end.code == RELOAD else "SIGTERM"
            raise
        finally:
            signals.received = signals.received or "SIGINT"
            ended.wait(options["drain_timeout"])

    def _run(self, options: dict[str, Any], signals: StopSignals) -> None:
        self._parent = options["parent"]
        self._check_settings()
        system = self._system(options["alias"])
        runner = self._runner(system, options)
        self._lines.followers = runner.followers
        if not self._wait_for_databases(system, signals, _max_wait(options)):
            return
        rebuilds = self._rebuilds(runner)
        _close_connections(system)
        self._start(runner)
        self._write_banner(runner)
        with rebuilds:
            is_drained = self._watch(runner, signals, options["drain_timeout"])
        if not is_drained:
            self._abandon(runner)
        # It may have been lost since it was last used.
        _close_connections(system)
        reports = runner.reports()
        self._write_summary(reports)
        if runner.failure:
            raise CommandError(
                f"{runner.failure}.  HINT: The log has the traceback.", returncode=FAILURE
            )
        _raise_for(reports, is_once=runner.once)
        if runner.once:
            _raise_for_parked(runner)

    def _wait_for_databases(
        self, system: ConfiguredSystem, signals: StopSignals, max_wait: float
    ) -> bool:
        """Raise unless all are ready; wait for a server that is away. Return whether to go on."""
        deadline = time.monotonic() + max_wait
        outage = OutageBackoff()
        while not signals.received:
            try:
                require_databases(system)
            except ServerAwayError as error:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise error.reason from error
                if not outage.is_open:
                    self._warn(str(error))
                self._pause(min(outage.next(), left), signals)
            else:
                return True
        return False

    def _pause(self, seconds: float, signals: StopSignals) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not signals.received:
            self._notice_loneliness()
            time.sleep(0.05)

    def _notice_loneliness(self) -> None:
        """Stop, as after a signal, if the process is gone that has started this one."""
        if self._parent is not None and os.getppid() != self._parent:
            self._parent = None
            os.kill(os.getpid(), signal.SIGTERM)

    def _check_settings(self) -> None:
        # Of those processes that this one starts, each would tell the same.
        check_settings(warn=(lambda _: None) if self._is_child else self._warn)

    def _system(self, alias: str) -> ConfiguredSystem:
        try:
            return get_system(alias)
        except NotConfiguredError as error:
            raise CommandError(str(error), returncode=USAGE) from error
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=FAILURE) from error

    def _warn(self, line: str) -> None:
        if self._lines.is_json:
            self._lines.write(line, level="WARNING")
        else:
            self.stderr.write(f"WARNING: {line}")

    def _warn_of_single_writers(self, system: ConfiguredSystem) -> None:
        for alias in system.databases:
            if connections[alias].vendor == "sqlite":
                self._warn(
                    f"Database {alias!r} is SQLite, where one writes at a time: several processes "
                    "wait for each other there, and are no faster than one.  "
                    "HINT: Leave --processes out, or use PostgreSQL."
                )

    def _runner(self, system: ConfiguredSystem, options: dict[str, Any]) -> SystemRunner:
        given = {key: options[key] for key in ("poll_interval", "batch_size") if options[key]}
        if options["no_listen"]:
            given["listen"] = False
        return load_runner_class(system.config)(
            system,
            followers=_chosen(system, options["only"] or [], options["exclude"] or []),
            once=options["once"],
            options=replace(system.config.options, **given),
            threads=options["threads"],
            worker_name=options["worker_name"],
            write=self._write,
        )

    def _rebuilds(self, runner: SystemRunner) -> RequestedRebuilds:
        """Tell what is to be known of the rows of projections; return what makes them again."""
        rebuilds = RequestedRebuilds(
            program(is_own=self._is_command_line),
            runner.system,
            [] if runner.once else runner.followers,
            worker_name=runner.worker_name,
            write=self._write,
        )
        try:
            notices = note_versions(runner.system, runner.followers)
            rebuilds.request_due(notice.follower for notice in notices if notice.is_due)
        except (DatabaseError, EventSourcingError) as error:
            raise CommandError(one_line(error), returncode=FAILURE) from error
        for notice in notices:
            logger.warning("%s", notice.words)
        return rebuilds

    def _start(self, runner: SystemRunner) -> None:
        try:
            runner.start()
        except (ImproperlyConfigured, EventSourcingError) as error:
            raise CommandError(one_line(error), returncode=FAILURE) from error

    def _watch(self, runner: SystemRunner, signals: StopSignals, drain_timeout: float) -> bool:
        """Wait until the followers have ended; return whether they have, once asked to."""
        # Short waits: a signal handler can only raise a flag, which is looked at here.
        while not runner.wait(0.1):
            self._notice_loneliness()
            if signals.received:
                self._write(f"{signals.received}: finishing what is in hand; again to abort.")
                runner.stop()
                return runner.wait(drain_timeout)
        return True

    def _write_banner(self, runner: SystemRunner) -> None:
        system = runner.system
        pipes = ", ".join(f"{leader} > {follower}" for leader, follower in system.system.edges)
        databases = ", ".join(f"{a} ({describe(a)})" for a in system.databases) or "none (memory)"
        self._write(f"System {system.alias!r}: {pipes}")
        self._write(f"  databases  {databases}")
        self._write(f"  followers  {', '.join(runner.followers)}")
        if runner.once:
            self._write("  polling    until caught up")
        else:
            self._write(f"  wake-up    {runner.wake_up.describe()}")
        if runner.worker_name:
            self._write(f"  worker     {runner.worker_name}")

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
        if self._lines.is_json:
            for report in reports:
                self._lines.write(f"{report.follower}: {report.state}", **asdict(report))
            return
        self._write("")
        for line in summary_table(reports):
            self._write(line)

    def _write(self, line: str) -> None:
        self._lines.write(line)


def _chosen(system: ConfiguredSystem, only: list[str], exclude: list[str]) -> list[str]:
    known = [*system.system.followers, *system.runs]
    for option, names in (("--only", only), ("--exclude", exclude)):
        for name in names:
            if name not in known:
                raise CommandError(
                    f"{option} {name}: system {system.alias!r} has no such follower.  "
                    f"HINT: Its followers: {', '.join(system.runs) or 'none'}.",
                    returncode=USAGE,
                )
    left_out = {run for name in exclude for run in system.runs_of(name)}
    wanted = {run for name in only or known for run in system.runs_of(name)} - left_out
    chosen = [run for run in system.runs if run in wanted]
    if not known:
        raise CommandError(
            f"System {system.alias!r} has no followers.  "
            f"HINT: A pipe leads from an application to its follower: give it two classes or more.",
            returncode=USAGE,
        )
    if not chosen:
        raise CommandError(
            f"--exclude leaves no follower to run in system {system.alias!r}.  "
            f"HINT: Its followers: {', '.join(system.runs)}.",
            returncode=USAGE,
        )
    return chosen


def _max_wait(options: dict[str, Any]) -> float:
    if options["max_wait"] is not None:
        return float(options["max_wait"])
    return 0.0 if options["once"] else run_options.MAX_WAIT


def _close_connections(system: ConfiguredSystem) -> None:
    """Close the connections of this thread, which has no use for them while followers work."""
    for alias in system.databases:
        if not connections[alias].in_atomic_block:
            connections[alias].close()


def _raise_for(reports: list[PipeReport], *, is_once: bool) -> None:
    states = {report.follower: report.state for report in reports}
    for state, code, hint in (
        (State.DIED, FAILURE, "The log has the traceback."),
        (
            State.FAILED,
            POLICY_STOPPED,
            "Try it by 'manage.py es_retry FOLLOWER --dry-run'; remove the cause and start again.",
        ),
        (
            State.PAUSED,
            POLICY_STOPPED if is_once else 0,
            "Let it go on: manage.py es_resume FOLLOWER.",
        ),
        (
            State.REFUSED,
            FAILURE if is_once else 0,
            "Run 'manage.py es_segments FOLLOWER' if its SEGMENTS are to be as they are set now.",
        ),
        (State.STOPPED, FAILURE if is_once else 0, "Start again: it goes on from there."),
    ):
        names = ", ".join(name for name, s in states.items() if s is state)
        if names and code:
            # Whoever stops a run that goes on has not asked it to catch up.
            how = "Not caught up" if is_once else "Stopped, with something left to do"
            raise CommandError(f"{how}: {names} {state}.  HINT: {hint}", returncode=code)


def _raise_for_parked(runner: SystemRunner) -> None:
    try:
        counts = count_parked(runner.system, runner.followers)
    except PersistenceError as error:
        raise CommandError(one_line(error), returncode=FAILURE) from error
    if counts:
        parked = ", ".join(
            f"{number:,} notification{'' if number == 1 else 's'} of {name}"
            for name, number in counts.items()
        )
        raise CommandError(
            f"Caught up, with {parked} parked.  HINT: See them by 'manage.py es_deadletters', mend "
            "the cause, and process them by 'manage.py es_retry FOLLOWER'.",
            returncode=POLICY_STOPPED,
        )
