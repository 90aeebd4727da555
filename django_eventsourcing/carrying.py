"""The development server's passenger: followers that run in the process of ``runserver``."""

import atexit
import logging
import os
import sys
import time
from contextlib import suppress
from threading import Thread

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from django_eventsourcing.conf import get_config
from django_eventsourcing.databases import DatabaseNotReadyError
from django_eventsourcing.loading import load_runner_class, load_system
from django_eventsourcing.management.requested_rebuilds import RequestedRebuilds
from django_eventsourcing.management.supervisor import program
from django_eventsourcing.payloads import visible
from django_eventsourcing.problems import ConfigurationError, one_line
from django_eventsourcing.readiness import ServerAwayError, require_databases
from django_eventsourcing.rebuilding.versions import note_versions
from django_eventsourcing.registry import ConfiguredSystem, get_system
from django_eventsourcing.runners.base import SystemRunner
from django_eventsourcing.runners.outages import close_connections
from django_eventsourcing.runners.report import PipeReport, State
from eventsourcing.exceptions import EventSourcingError

__all__ = ["start"]

logger = logging.getLogger(__name__)

# Seconds in which followers can finish before the server starts anew, or ends.
_DRAIN_TIMEOUT = 5.0
# Seconds from one look at databases that are not ready to the next.
_LOOK = 2.0
# Seconds from one look at whether followers have stopped to the next.
_LOOK_AT_STATES = 1.0


def start(alias: str) -> None:
    """
    Run the followers of the system in a thread, once the apps are ready.

    Called when all models are there, by the thread that imports the project. It imports the
    applications, too, so that the other thread has nothing left to import.
    """
    with suppress(ConfigurationError):  # The server's checks tell, and the thread.
        load_system(get_config(alias))
    Thread(target=_run, args=[alias], name=f"runner of {alias}", daemon=True).start()


def _run(alias: str) -> None:
    apps.ready_event.wait()
    try:
        system = get_system(alias)
        _wait_for_databases(system)
        for notice in note_versions(system, system.runs):
            logger.warning("%s", notice.words)
        runner = load_runner_class(system.config)(system, worker_name="runserver")
        rebuilds = RequestedRebuilds(
            program(is_own=True), system, runner.followers, worker_name="runserver", write=_say
        )
        runner.start()
    except (EventSourcingError, ImproperlyConfigured) as error:
        logger.error("The followers of system %r do not run: %s", alias, one_line(error))
        return

    def stop() -> None:
        rebuilds.stop()
        runner.stop()
        runner.wait(_DRAIN_TIMEOUT)

    # A change of code ends the process as a signal does: leases are given back, at once.
    atexit.register(stop)
    logger.info("The followers of system %r run in this process: %s", alias, runner.followers)
    told: dict[str, str] = {}
    with rebuilds:
        while not runner.wait(_LOOK_AT_STATES):
            _tell_of_stops(runner, told)
    _tell_of_stops(runner, told)
    if runner.failure:
        logger.error("The followers of system %r have ended: %s", alias, runner.failure)


def _tell_of_stops(runner: SystemRunner, told: dict[str, str]) -> None:
    """Write a line for each follower that has come to a stop since it was last looked at."""
    for report in runner.reports(look_up=False):
        line = _stop_line(runner.system, report)
        if line and line != told.get(report.follower):
            # The log goes wherever the project lets it; this is for whoever sits at the terminal.
            _say(line)
        told[report.follower] = line


def _say(line: str) -> None:
    sys.stderr.write(f"{visible(line)}\n")
    sys.stderr.flush()


def _stop_line(system: ConfiguredSystem, report: PipeReport) -> str:
    """Return what has stopped the follower and how it goes on; empty if it has not stopped."""
    name = report.follower
    if report.state is State.PAUSED:
        return (
            f"{name} is paused.  HINT: See why by 'manage.py es_status'; let it go on by "
            f"'manage.py es_resume {name}'."
        )
    if report.state not in (State.FAILED, State.DIED, State.REFUSED):
        return ""
    if report.state is State.REFUSED:
        return f"{name} has stopped: {report.reason}"
    is_reloaded = os.environ.get(DJANGO_AUTORELOAD_ENV) == "true"
    when = "code changes" if is_reloaded else "the server is started again"
    can_be_told = report.state is State.FAILED and system.is_persisted(name)
    or_by = f", or by 'manage.py es_retry {name}'" if can_be_told else ""
    return (
        f"{name} has stopped: {report.reason}.  HINT: Mend the cause: it tries again when "
        f"{when}{or_by}."
    )


def _wait_for_databases(system: ConfiguredSystem) -> None:
    """Return when they are ready: whoever develops may be about to migrate them."""
    told = ""
    while True:
        try:
            require_databases(system)
        except (DatabaseNotReadyError, ServerAwayError) as error:
            if str(error) != told:
                told = str(error)
                logger.warning("The followers of system %r wait: %s", system.alias, told)
            time.sleep(_LOOK)
        else:
            return
        finally:
            close_connections()
