"""
Measure how soon a follower in another process has processed what was committed.

    python -m benchmarks.wake_up --saves 500

One process saves, and waits until a follower of another one, `run_system`, has committed its work;
then it pauses for a random time, and saves again. PostgreSQL is measured with LISTEN and by
polling, SQLite and MariaDB by polling. Makes databases of its own on the servers that
TEST_POSTGRES_URL and TEST_MARIADB_URL name (by default those at 127.0.0.1), and drops them; a
server that does not answer is left out.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dj_database_url
import django
from django.conf import settings
from django.core.management import call_command
from django.db import Error, connections, transaction
from django.db.utils import load_backend

from eventsourcing.application import Application, ProcessingEvent
from eventsourcing.domain import Aggregate, DomainEventProtocol
from eventsourcing.system import ProcessApplication

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("TEST_MARIADB_URL", "mysql://root@127.0.0.1:3306/mysql")
NAME = f"benchmark_wake_up_{os.getpid()}"
LONGEST_LISTENING = 0.1
"""Seconds within which 99 of 100 commits are to be processed on an idle machine with LISTEN."""
DEADLINE = 60.0
LISTENING = "PostgreSQL, LISTEN"
"""The title of what is measured first."""


class Bell(Aggregate):
    """Is rung once."""


class Ringing(Application):
    """The application whose events are recorded."""

    def ring(self) -> tuple[str, float]:
        """Record an event; return its aggregate's id, and when it was committed."""
        bell = Bell()
        committed: list[float] = []
        with transaction.atomic():
            # First of all that waits for the commit, the notification included.
            transaction.on_commit(lambda: committed.append(time.time()))
            self.save(bell)
        return str(bell.id), committed[0]


class Hearing(ProcessApplication):
    """The follower, which writes down when its work was committed."""

    def policy(
        self, domain_event: DomainEventProtocol[Any], processing_event: ProcessingEvent
    ) -> None:
        transaction.on_commit(lambda: note(domain_event.originator_id))


def note(id_: object) -> None:
    with Path(os.environ["BENCHMARK_FILE"]).open("a") as file:
        file.write(f"{id_} {time.time()}\n")


def main() -> int:
    arguments = parsed_arguments()
    if arguments.run:
        set_up(json.loads(os.environ["BENCHMARK_DATABASE"]))
        call_command("run_system", *arguments.run)
        return 0
    if arguments.database:
        return measure(arguments, json.loads(arguments.database), arguments.options.split())
    rows = [row for row in measured(arguments) if row is not None]
    if arguments.figures:
        arguments.figures.write_text(json.dumps(dict(rows)))
    say(f"\n{'':<28}{'saves':>6}{'p50':>10}{'p99':>10}{'longest':>10}")
    for title, seconds in rows:
        figures = "".join(f"{part(seconds, share) * 1000:>7.1f} ms" for share in (0.5, 0.99, 1.0))
        say(f"{title:<28}{len(seconds):>6}{figures}")
    listening = [part(seconds, 0.99) for title, seconds in rows if "LISTEN" in title]
    return 0 if all(p99 < LONGEST_LISTENING for p99 in listening) else 1


def measured(arguments: argparse.Namespace) -> Iterator[tuple[str, Sequence[float]] | None]:
    """Measure each database in a process of its own, since each has other settings."""
    few = max(arguments.saves // 20, 10)
    for title, url, options, saves in (
        (LISTENING, POSTGRES, "", arguments.saves),
        ("PostgreSQL, polling", POSTGRES, "--no-listen", few),
        ("SQLite, polling", "", "", few),
        ("MariaDB, polling", MARIADB, "", few),
    ):
        if not arguments.listening_only or title == LISTENING:
            yield measured_on(title, url, options, saves, arguments)


def measured_on(
    title: str, url: str, options: str, saves: int, arguments: argparse.Namespace
) -> tuple[str, Sequence[float]] | None:
    try:
        with scratch_database(url) as database, tempfile.TemporaryDirectory() as directory:
            result = Path(directory) / "result"
            command = [
                *[sys.executable, "-m", "benchmarks.wake_up", f"--database={json.dumps(database)}"],
                *[f"--options={options}", f"--saves={saves}", f"--seed={arguments.seed}"],
                *[f"--pause={arguments.pause}", f"--title={title}", f"--result={result}"],
            ]
            subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603
            return title, sorted(json.loads(result.read_text()))
    except Error as error:
        say(f"{title}: left out: {' '.join(str(error).split())}")
        return None


def measure(arguments: argparse.Namespace, database: dict[str, Any], options: list[str]) -> int:
    """Save, and write the seconds from each commit to its processing into the result's file."""
    set_up(database)
    call_command("migrate", verbosity=0)
    from django_eventsourcing import get_application

    # By its name: the class of that name in this module, run as a program, is another one.
    ringing: Any = get_application("Ringing")
    chance = random.Random(arguments.seed)
    seconds: list[float] = []
    told = time.monotonic()
    with tempfile.NamedTemporaryFile("r") as heard, run_system(database, heard.name, options):
        # The first is to find out that the other process is at work.
        for number in range(arguments.saves + 1):
            id_, committed = ringing.ring()
            seconds.append(processed_at(heard, id_) - committed)
            # The follower has gone back to waiting, at any point between two polls.
            time.sleep(chance.uniform(0.02, arguments.pause))
            if time.monotonic() - told > 5:
                told = time.monotonic()
                say(f"{arguments.title}: {number:,} of {arguments.saves:,}")
    arguments.result.write_text(json.dumps(seconds[1:]))
    return 0


def processed_at(heard: Any, id_: str) -> float:
    """Return when the other process has noted the id."""
    deadline = time.monotonic() + DEADLINE
    line = ""
    while time.monotonic() < deadline:
        line += heard.readline()
        if line.endswith("\n"):
            found, at = line.split()
            if found == id_:
                return float(at)
            line = ""
        else:
            time.sleep(0.001)
    sys.exit(f"Not processed within {DEADLINE:g} s.")


@contextmanager
def run_system(database: dict[str, Any], heard: str, options: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "benchmarks.wake_up", "--run", "default", *options],
        cwd=ROOT,
        env={
            **os.environ,
            "BENCHMARK_DATABASE": json.dumps(database),
            "BENCHMARK_FILE": heard,
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def set_up(database: dict[str, Any]) -> None:
    settings.configure(
        DATABASES={"default": {**database, "CONN_MAX_AGE": None}},
        INSTALLED_APPS=["django_eventsourcing"],
        EVENTSOURCING={
            "default": {"PIPES": [["benchmarks.wake_up.Ringing", "benchmarks.wake_up.Hearing"]]}
        },
        USE_TZ=True,
    )
    django.setup()


@contextmanager
def scratch_database(url: str) -> Iterator[dict[str, Any]]:
    if not url:
        with tempfile.TemporaryDirectory() as directory:
            yield {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(Path(directory) / "events.sqlite3"),
                "OPTIONS": {
                    "transaction_mode": "IMMEDIATE",
                    "timeout": 20,
                    "init_command": "PRAGMA journal_mode=WAL",
                },
            }
        return
    server: dict[str, Any] = {**dj_database_url.parse(url)}
    if not settings.configured:
        settings.configure(USE_TZ=True)
        django.setup()
    defaults = {"TIME_ZONE": None, "AUTOCOMMIT": True, "OPTIONS": {}}
    with closing(load_backend(server["ENGINE"]).DatabaseWrapper({**defaults, **server})) as made:
        with made.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {NAME}")
        try:
            yield {**server, "NAME": NAME}
        finally:
            connections.close_all()
            with made.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {NAME}")


def part(seconds: Sequence[float], share: float) -> float:
    return seconds[min(int(len(seconds) * share), len(seconds) - 1)]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--saves", type=int, default=500, help="with LISTEN; a twentieth elsewhere")
    parser.add_argument("--pause", type=float, default=0.52, help="seconds at most between saves")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--listening-only", action="store_true", help="on PostgreSQL alone")
    parser.add_argument("--figures", type=Path, help="a file for the seconds by title, as JSON")
    # What the processes that it starts are told.
    parser.add_argument("--run", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.add_argument("--database", help=argparse.SUPPRESS)
    parser.add_argument("--options", default="", help=argparse.SUPPRESS)
    parser.add_argument("--title", help=argparse.SUPPRESS)
    parser.add_argument("--result", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
