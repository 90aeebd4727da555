"""
Measure what commit order costs on PostgreSQL: many writers, one reader, shared and exclusive.

    python -m benchmarks.commit_order --events 60000

Each writer is a process whose transactions record one to three events, stay open for a while, and
are rolled back now and then. A reader follows along. In the end, what it has seen is compared with
what was committed. Makes a database of its own on the server that DATABASE_URL names (by default
postgresql://postgres@127.0.0.1:5432/postgres), and drops it.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

import dj_database_url
import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction

from eventsourcing.application import Application
from eventsourcing.persistence import Notification

ROOT = Path(__file__).resolve().parent.parent
URL = os.environ.get("DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
LEAST_RATIO = 5.0
POLL_INTERVAL = 0.002
"""Seconds between two looks, as of a reader that is prompted."""


class Log(Application):
    """The application whose events are recorded."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run has shown."""

    order: str
    events: int
    seconds: float
    lost: int
    double: int
    inversions: int
    delays: Sequence[float]
    """Seconds from each commit to the reading of its event, the shortest first."""

    @property
    def rate(self) -> float:
        """Committed events a second."""
        return self.events / self.seconds

    def __str__(self) -> str:
        middle, late = (self.delays[int(len(self.delays) * part)] * 1000 for part in (0.5, 0.99))
        return (
            f"{self.order:<9} {self.events:>7,} events  {self.rate:>7.0f}/s  lost {self.lost}  "
            f"double {self.double}  inversions {self.inversions}  "
            f"delay p50 {middle:.0f} ms  p99 {late:.0f} ms"
        )


def main() -> int:
    arguments = parsed_arguments()
    if arguments.write_as is not None:
        set_up(os.environ["BENCHMARK_DATABASE"], arguments.order)
        write(arguments)
        return 0
    name = f"benchmark_commit_order_{os.getpid()}"
    with scratch_database(name):
        set_up(name, "shared")
        call_command("migrate", verbosity=0)
        shared = measured(arguments, name, "shared", arguments.events)
        few = arguments.exclusive_events or max(arguments.events // 10, 1)
        exclusive = measured(arguments, name, "exclusive", few)
        connections.close_all()
    ratio = shared.rate / exclusive.rate
    say(f"\n{shared}\n{exclusive}")
    say(f"shared is {ratio:.1f} times exclusive (wanted: {LEAST_RATIO:g})")
    sound = all(not (r.lost or r.double or r.inversions) for r in (shared, exclusive))
    return 0 if sound and ratio >= LEAST_RATIO else 1


def measured(arguments: argparse.Namespace, name: str, order: str, events: int) -> Result:
    """Run the writers until they have committed so many events, and read along."""
    from django_eventsourcing.recorders import DjangoApplicationRecorder

    recorder = DjangoApplicationRecorder("Log")
    position = recorder.max_notification_id() or 0
    seen: list[tuple[int, float]] = []
    started = told = time.monotonic()
    with writers(arguments, name, order, events) as (processes, outputs):
        ended = 0.0
        found: Sequence[Notification] = ()
        while not ended or found:
            if not ended and all(process.poll() is not None for process in processes):
                ended = time.monotonic()
            found = recorder.select_notifications(position, 100, inclusive_of_start=False)
            now = time.time()
            seen += [(notification.id, now) for notification in found]
            position = found[-1].id if found else position
            if time.monotonic() - told > 5:
                told = time.monotonic()
                say(f"{order}: {len(seen):,} events read  {len(seen) / (told - started):.0f}/s")
            if not found:
                time.sleep(POLL_INTERVAL)
        committed = dict(committed_by(processes, outputs))
    ids = [id_ for id_, _ in seen]
    return Result(
        order=order,
        events=len(committed),
        seconds=ended - started,
        lost=len(committed.keys() - set(ids)),
        double=len(ids) - len(set(ids)),
        inversions=sum(later < earlier for earlier, later in pairwise(ids)),
        delays=sorted(at - committed[id_] for id_, at in seen if id_ in committed),
    )


@contextmanager
def writers(
    arguments: argparse.Namespace, name: str, order: str, events: int
) -> Iterator[tuple[list[subprocess.Popen[bytes]], list[IO[bytes]]]]:
    outputs = [tempfile.TemporaryFile() for _ in range(arguments.writers)]  # noqa: SIM115
    share = -(-events // arguments.writers)
    options = [f"--{key}={getattr(arguments, key)}" for key in ("hold", "rollbacks", "seed")]
    processes = [
        subprocess.Popen(  # noqa: S603
            [
                *[sys.executable, "-m", "benchmarks.commit_order", f"--write-as={number}"],
                *[f"--events={share}", f"--order={order}", *options],
            ],
            cwd=ROOT,
            env={**os.environ, "BENCHMARK_DATABASE": name},
            stdout=output,
        )
        for number, output in enumerate(outputs)
    ]
    try:
        yield processes, outputs
    finally:
        for process in processes:
            process.kill()
            process.wait()


def committed_by(
    processes: Sequence[subprocess.Popen[bytes]], outputs: Sequence[IO[bytes]]
) -> Iterator[tuple[int, float]]:
    """Return the ids of committed events, and when they were."""
    for process, output in zip(processes, outputs, strict=True):
        if process.returncode:
            sys.exit(f"A writer has ended with {process.returncode}.")
        output.seek(0)
        for line in output:
            ids, at = json.loads(line)
            yield from ((id_, at) for id_ in ids)


def write(arguments: argparse.Namespace) -> None:
    """Commit so many events, and tell their ids and the time."""
    from django_eventsourcing.recorders import DjangoApplicationRecorder
    from eventsourcing.conformance import stored_event

    recorder = DjangoApplicationRecorder("Log")
    chance = random.Random(f"{arguments.seed} {arguments.write_as}")
    left = arguments.events
    while left > 0:
        with transaction.atomic():
            ids = recorder.insert_events(
                [stored_event() for _ in range(min(left, chance.randint(1, 3)))]
            )
            time.sleep(chance.uniform(0, arguments.hold))
            is_rolled_back = chance.random() < arguments.rollbacks
            transaction.set_rollback(is_rolled_back)
        if not is_rolled_back:
            left -= len(ids or ())
            sys.stdout.write(json.dumps([ids, time.time()]) + "\n")


def set_up(name: str, order: str) -> None:
    settings.configure(
        DATABASES={"default": {**dj_database_url.parse(URL), "NAME": name, "CONN_MAX_AGE": None}},
        INSTALLED_APPS=["django_eventsourcing"],
        EVENTSOURCING={
            "default": {"PIPES": [["benchmarks.commit_order.Log"]], "COMMIT_ORDER": order}
        },
        USE_TZ=True,
    )
    django.setup()


@contextmanager
def scratch_database(name: str) -> Iterator[None]:
    import psycopg

    with psycopg.connect(URL, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--events", type=int, default=6000, help="committed under shared order")
    parser.add_argument("--exclusive-events", type=int, help="a tenth of that, unless given")
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--hold", type=float, default=0.02, help="seconds at most")
    parser.add_argument("--rollbacks", type=float, default=0.1, help="as a share")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--order", default="shared", help=argparse.SUPPRESS)
    parser.add_argument("--write-as", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
