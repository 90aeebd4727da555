"""
Measure memory and rate of `run_system` while it catches up on a long log.

    python -m benchmarks.catch_up_memory --database postgres --events 1000000

A new follower, whose policy writes nothing, or a row with `--follower watched`, processes a log of
that many events. The database is SQLite, or a private server that is made for this and removed.
Exits with 1 if memory has grown by 50 MB from the start, or if the rate of the last tenth is below
80 % of that of the first.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import django
from django.conf import settings

from tests.stress.databases import ROOT, environment, manage, query
from tests.stress.servers import SERVERS, PrivateServer, Server

FOLLOWERS = {"counted": "Counting", "watched": "Watcher"}
POSITION = (
    "SELECT MAX(notification_id) FROM django_eventsourcing_trackingrecord "
    "WHERE application_name = %s"
)
LONGEST = 3600.0
MOST_GROWTH = 50.0
"""Megabytes."""
LEAST_RATE = 0.8


class Sample(NamedTuple):
    """How far the follower was at a time, and how much memory the process had."""

    at: float
    position: int
    megabytes: float
    cpu: float
    """The seconds for which it has worked; a busy machine does not change them much."""


def main() -> int:
    arguments = parsed_arguments()
    # For this process's own connections; those that it starts have settings of theirs.
    settings.configure(USE_TZ=True)
    django.setup()
    server = SERVERS[arguments.database]()
    try:
        if isinstance(server, PrivateServer):
            server.start()
        samples = measured(server, arguments.events, arguments.follower)
    finally:
        server.close()
    if arguments.figures:
        figures = {"megabytes": growth_of(samples), "rate": rate_between(samples, 0, sys.maxsize)}
        arguments.figures.write_text(json.dumps(figures))
    return report(samples, arguments.events)


def measured(server: Server, events: int, system: str) -> list[Sample]:
    """Fill a log, let a new follower catch up, and watch it."""
    database = server.create("catch_up")
    variables = environment(database, STRESS_SYSTEM=f"tests.stress.project.applications.{system}")
    fill = [sys.executable, "-m", "tests.stress.fill", str(events)]
    subprocess.run(fill, cwd=ROOT, env=variables, check=True)  # noqa: S603
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603
            manage("run_system", "--once"), cwd=ROOT, env=variables, stdout=log, stderr=log
        )
        samples = watched(process, database, FOLLOWERS[system], events)
        if process.wait() != 0:
            log.seek(0)
            sys.exit(log.read().decode())
    return samples


def watched(
    process: "subprocess.Popen[bytes]", database: dict[str, object], follower: str, events: int
) -> list[Sample]:
    """Return samples, one each tenth of a second; write a line each ten seconds."""
    samples: list[Sample] = []
    told = started = time.monotonic()
    while process.poll() is None and time.monotonic() < started + LONGEST:
        ((position,),) = query(database, POSITION, follower)
        megabytes = resident(process.pid)
        if position and megabytes:
            cpu = cpu_seconds(process.pid)
            samples.append(Sample(time.monotonic(), int(position), megabytes, cpu))
            if samples[-1].at - told > 10:
                told = samples[-1].at
                rate = rate_between(samples, 0, events) or 1.0
                left = (events - samples[-1].position) / rate
                sys.stdout.write(
                    f"processed {samples[-1].position:,}  {rate:,.0f}/s  ~{left:.0f} s  "
                    f"{megabytes:.1f} MB\n"
                )
                sys.stdout.flush()
        time.sleep(0.1)
    return samples


def report(samples: list[Sample], events: int) -> int:
    """Write the figures; return the exit code."""
    tenth = events // 10
    first = rate_between(samples, 0, tenth)
    last = rate_between(samples, events - tenth, events)
    growth = growth_of(samples)
    sys.stdout.write(
        f"memory at the start {samples[0].megabytes:.1f} MB, growth {growth:.1f} MB\n"
        f"first tenth {first:,.0f}/s, last tenth {last:,.0f}/s: {last / first:.0%}\n"
        f"by its own time: first {cpu_rate(samples, 0, tenth):,.0f}/s, "
        f"last {cpu_rate(samples, events - tenth, events):,.0f}/s\n"
        f"all {rate_between(samples, 0, events):,.0f}/s\n"
    )
    return 0 if growth < MOST_GROWTH and last / first >= LEAST_RATE else 1


def growth_of(samples: list[Sample]) -> float:
    """Return by how many megabytes the process has grown at most."""
    return max(sample.megabytes for sample in samples) - samples[0].megabytes


def rate_between(samples: list[Sample], low: int, high: int) -> float:
    """Return the notifications a second between two positions."""
    within = [sample for sample in samples if low <= sample.position <= high]
    if len(within) < 2 or within[-1].at == within[0].at:
        return 0.0
    return (within[-1].position - within[0].position) / (within[-1].at - within[0].at)


def cpu_rate(samples: list[Sample], low: int, high: int) -> float:
    """Return the notifications for each second that the process has worked."""
    within = [sample for sample in samples if low <= sample.position <= high]
    if len(within) < 2 or within[-1].cpu == within[0].cpu:
        return 0.0
    return (within[-1].position - within[0].position) / (within[-1].cpu - within[0].cpu)


def cpu_seconds(pid: int) -> float:
    """Return for how long a process has worked; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the megabytes that a process has in memory; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=sorted(SERVERS), default="postgres")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--follower", choices=sorted(FOLLOWERS), default="counted")
    parser.add_argument("--figures", type=Path, help="a file for growth and rate, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
