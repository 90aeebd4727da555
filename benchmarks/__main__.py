"""
Compare this project with other ways to do the same: what users pay for, as ratios in one run.

    make bench
    python -m benchmarks --only load catch_up --databases sqlite --rounds 3

Contenders are this project, Django's ORM and the databases' drivers by hand and, where --peers
names the interpreter of an environment that has them, the reference library and its extension for
Django. PostgreSQL is the server that TEST_POSTGRES_URL names; a database is made there, and
dropped. Exits with 1 if a target is missed.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from benchmarks.comparison import report
from benchmarks.comparison.processes import ROOT, Contender, started
from benchmarks.comparison.rounds import measured
from benchmarks.comparison.workloads import LATENCIES, RATES, Workload

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
DATABASE = f"benchmark_{os.getpid()}"


def main() -> int:
    arguments = parsed_arguments()
    workloads = [
        workload
        for workload in [*RATES, *LATENCIES]
        if not arguments.only or workload.name in arguments.only
    ]
    results: dict[str, Any] = {}
    found: list[report.Verdict] = []
    for database in arguments.databases:
        with scratch(database) as url, started(commands(url, arguments.peers)) as contenders:
            for workload in workloads:
                if database in workload.databases:
                    found += compared(workload, database, contenders, arguments.rounds, results)
    if arguments.result:
        arguments.result.write_text(json.dumps(results, indent=2) + "\n")
    for verdict in found:
        say(f"{'reached' if verdict.is_reached else 'MISSED '}  {verdict.text}")
    return 0 if all(verdict.is_reached for verdict in found) else 1


def compared(
    workload: Workload,
    database: str,
    contenders: Mapping[str, Contender],
    rounds: int,
    results: dict[str, Any],
) -> list[report.Verdict]:
    """Measure a workload on a database, and tell."""
    figures = measured(workload, contenders, rounds, say)
    say(f"{workload.title}, {database}:")
    for line in report.lines(figures):
        say(line)
    results.setdefault(workload.name, {})[database] = report.as_record(figures)
    return list(report.verdicts(workload, database, figures))


def commands(url: str, peers: Path | None) -> dict[str, Sequence[str]]:
    """Return how the contenders are started; peers where there is an environment of theirs."""
    ours = ["env", f"PYTHONPATH={ROOT}", sys.executable]
    found = {"ours": [*ours, "ours.py", url]}
    if peers is not None:
        found["django_peer"] = [str(peers), "django_peer.py", url]
        found["native_peer"] = [str(peers), "native_peer.py", url]
    return {**found, "orm": [*ours, "orm.py", url], "raw": [*ours, "raw.py", url]}


@contextmanager
def scratch(database: str) -> Iterator[str]:
    """Return the URL of a database of its own, for as long as it is needed."""
    if database == "sqlite":
        with tempfile.TemporaryDirectory() as directory:
            yield f"sqlite:///{directory}"
        return
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield urlunsplit(urlsplit(POSTGRES)._replace(path=f"/{DATABASE}"))
        finally:
            connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [workload.name for workload in [*RATES, *LATENCIES]]
    parser.add_argument("--only", nargs="+", choices=names, default=[])
    parser.add_argument(
        "--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, help="the interpreter of the peers' environment")
    parser.add_argument("--result", type=Path, help="a file for the figures, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
