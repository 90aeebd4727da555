"""A project of its own for a test: a fresh database, and processes of `manage.py` on it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import dj_database_url
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from tests.settings import BASE_DIR, SERVERS
from tests.waiting import wait_until

EVENTS = "SELECT COUNT(*) FROM django_eventsourcing_storedeventrecord WHERE application_name = %s"
POSITION = (
    "SELECT MAX(notification_id) FROM django_eventsourcing_trackingrecord "
    "WHERE application_name = %s"
)
LAST = "SELECT MAX(id) FROM django_eventsourcing_storedeventrecord WHERE application_name = %s"


class Project:
    """The example project on a database of its own."""

    def __init__(self, url: str, logs: Path) -> None:
        self.url = url
        self._logs = logs
        self._started: list[Process] = []
        self._connection = connect(url)

    def run(self, *arguments: object, timeout: float = 600, code: int = 0) -> str:
        """Run a command of manage.py to its end; return what it has written."""
        done = subprocess.run(
            self._command(arguments),
            cwd=BASE_DIR,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == code, (
            f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done.stdout + done.stderr

    def start(self, *arguments: object) -> "Process":
        """Start a command of manage.py, to run beside the test."""
        log = self._logs / f"{len(self._started)}-{arguments[0]}.log"
        process = Process(self._command(arguments), self._environment(), log)
        self._started.append(process)
        return process

    def counts(self) -> dict[str, int]:
        """Return how often the follower has counted each activity."""
        code = (
            "import json; from django_eventsourcing import applications; "
            "print(json.dumps(applications['CaseStatistics'].get_counts()))"
        )
        counts: dict[str, int] = json.loads(self.run("shell", "--verbosity=0", "-c", code))
        return counts

    def events(self, application: str) -> int:
        """Return how many events of the application are committed."""
        return self._query(EVENTS, application) or 0

    def position(self, follower: str) -> int:
        """Return the position of the follower in its only upstream log."""
        return self._query(POSITION, follower) or 0

    def last(self, application: str) -> int:
        """Return the id of the application's last event."""
        return self._query(LAST, application) or 0

    def has_caught_up(self) -> bool:
        """Tell whether the statistics have processed all that the cases have recorded."""
        return self.position("CaseStatistics") >= self.last("PermitCases")

    def close(self) -> None:
        """Kill what is still running."""
        for process in self._started:
            process.kill()
        self._connection.close()

    def _query(self, sql: str, application: str) -> int | None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, [application])
            (value,) = cursor.fetchone()
        return None if value is None else int(value)

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, "manage.py", *map(str, arguments)]

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "DATABASE_URL": self.url,
            "PYTHONUNBUFFERED": "1",
        }


class Process:
    """A process that runs beside the test, and what it has written."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("w") as file:
            self._popen = subprocess.Popen(
                command, cwd=BASE_DIR, env=environment, stdout=file, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        """What the process has written until now."""
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until the process has written the text."""
        self.wait_until(lambda: text in self.output, f"{text!r} written")

    def wait_until(self, condition: Callable[[], bool], what: str, timeout: float = 60) -> None:
        """Wait until the condition holds; fail if the process ends, or the time, without it."""
        wait_until(lambda: condition() or not self.is_running(), what, timeout)
        assert condition(), f"ended before: {what}\n{self.output}"

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def stop(self, timeout: float = 60) -> str:
        """Ask the process to end, and return what it has written; it must end without failure."""
        self._popen.send_signal(signal.SIGTERM)
        assert self._popen.wait(timeout) == 0, self.output
        return self.output

    def join(self, timeout: float = 600) -> str:
        """Wait for the process to end by itself, without failure."""
        assert self._popen.wait(timeout) == 0, self.output
        return self.output

    def kill(self) -> None:
        """Kill the process as a fault would, without a chance to clean up."""
        self._popen.kill()
        self._popen.wait(60)


@contextmanager
def fresh_database(alias: str, directory: Path) -> Iterator[str]:
    """Make an empty database of the kind that the alias stands for; yield its URL; drop it."""
    if alias == "default":
        yield f"sqlite:///{directory / 'scenario.sqlite3'}"
        return
    variable, default_url, _ = SERVERS[alias]
    server = os.environ.get(variable, default_url)
    name = f"scenario_{uuid4().hex[:12]}"
    execute(server, f"CREATE DATABASE {name}{' CHARACTER SET utf8mb4' * (alias == 'mariadb')}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        execute(server, f"DROP DATABASE {name}{' WITH (FORCE)' * (alias == 'postgres')}")


def connect(url: str) -> BaseDatabaseWrapper:
    """Return a connection, in autocommit mode and apart from Django's own ones."""
    values: dict[str, Any] = {
        **dj_database_url.parse(url),
        "TIME_ZONE": None,
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
    }
    values.setdefault("OPTIONS", {})
    wrapper: BaseDatabaseWrapper = load_backend(values["ENGINE"]).DatabaseWrapper(
        values, "scenario"
    )
    return wrapper


def execute(url: str, sql: str) -> None:
    connection = connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()
