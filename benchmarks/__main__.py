"""
Compare this project with other ways to do the same: what users pay for, as ratios in one run.

    make bench
    python -m benchmarks --only load catch_up --databases sqlite --rounds 3

Contenders are this project, Django's ORM and the databases' drivers by hand and, where --peers
names the interpreter of an environment that has them, the reference library and its extension for
Django. PostgreSQL is the server that TEST_POSTGRES_URL names; databases are made there, and
dropped. Exits with 1 if a target is missed.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison import growth, imports, programs, report, writers
from benchmarks.comparison.databases import scratch
from benchmarks.comparison.processes import ROOT, Contender, started
from benchmarks.comparison.report import Verdict
from benchmarks.comparison.rounds import measured
from benchmarks.comparison.workloads import LATENCIES, RATES, Workload

WORKLOADS = [*RATES, *LATENCIES]
OTHERS = ["requests", "growth", "imports", "another_process", "memory"]
REQUESTS, WORK, LONGEST = 20, 0.1, 0.4
"""How many requests, how long each works after its save, and how long all take at most."""
SAVES = 100
"""How many saves a round has of which the other process is watched."""


class Comparison:
    """What is measured in a run, and what has come of it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.results: dict[str, Any] = {}
        self.verdicts: list[Verdict] = []

    def is_asked_for(self, name: str) -> bool:
        """Tell whether a workload is to be measured."""
        return not self.arguments.only or name in self.arguments.only

    def on(self, database: str) -> None:
        """Measure what is to be measured on a database."""
        rounds, peers = self.arguments.rounds, self.arguments.peers
        workloads = [w for w in WORKLOADS if self.is_asked_for(w.name) and database in w.databases]
        if workloads:
            with scratch(database) as url, started(commands(url, peers)) as contenders:
                for workload in workloads:
                    self.compare(workload, database, contenders)
        if database == "postgres":
            for case in filter(lambda case: self.is_asked_for(case.name), writers.CASES):
                with scratch(database) as url:
                    all_commands = {**commands(url, peers), "locked": [*by_hand(url), "locks"]}
                    outcomes = writers.compared(
                        case, all_commands, rounds, self.arguments.seconds, say
                    )
                self.tell(case.name, database, writers.report(case, outcomes))
        if database == "postgres" and self.is_asked_for("requests"):
            with scratch(database) as url, started({"ours": ours(url)}) as contenders:
                seconds = [
                    contenders["ours"].ask("requests", count=REQUESTS, work=WORK)["seconds"]
                    for _ in range(rounds)
                ]
            self.tell("requests", database, report.requests(sorted(seconds), LONGEST))
        if database == "postgres" and self.is_asked_for("another_process"):
            saves = SAVES * rounds
            self.tell("another_process", database, programs.another_process(saves))
        if self.is_asked_for("memory"):
            self.tell("memory", database, programs.memory(database, self.arguments.sizes[-1]))
        if self.is_asked_for("growth"):
            with scratch(database) as url, started({"ours": ours(url)}) as contenders:
                costs = growth.grown(contenders["ours"], self.arguments.sizes, say)
            self.tell("growth", database, growth.report(costs, database))

    def compare(
        self, workload: Workload, database: str, contenders: Mapping[str, Contender]
    ) -> None:
        """Measure a workload on a database, and tell."""
        figures = measured(workload, contenders, self.arguments.rounds, say)
        say(f"{workload.title}, {database}:")
        for line in report.lines(figures):
            say(line)
        found = list(report.verdicts(workload, database, figures))
        self.tell(workload.name, database, (report.as_record(figures), found))

    def imports(self) -> None:
        """Measure what importing takes."""
        if self.arguments.peers is not None and self.is_asked_for("imports"):
            found = imports.imported(
                {"ours": python(), "peer": [str(self.arguments.peers)]}, 4 * self.arguments.rounds
            )
            self.tell("imports", "none", imports.report(found))

    def tell(self, name: str, database: str, found: tuple[Any, Sequence[Verdict]]) -> None:
        """Keep the figures and verdicts of a workload, and write down the latter."""
        record, verdicts = found
        self.results.setdefault(name, {})[database] = record
        self.verdicts += verdicts
        for verdict in verdicts:
            say(f"  {verdict}")


def main() -> int:
    arguments = parsed_arguments()
    comparison = Comparison(arguments)
    comparison.imports()
    for database in arguments.databases:
        comparison.on(database)
    if arguments.result:
        arguments.result.write_text(json.dumps(comparison.results, indent=2) + "\n")
    say("")
    for verdict in comparison.verdicts:
        say(str(verdict))
    return 0 if all(verdict.is_reached for verdict in comparison.verdicts) else 1


def python() -> list[str]:
    """Return how this project's interpreter is started, so that it finds the project."""
    return ["env", f"PYTHONPATH={ROOT}", sys.executable]


def ours(url: str) -> list[str]:
    return [*python(), "ours.py", url]


def by_hand(url: str) -> list[str]:
    return [*python(), "raw.py", url]


def commands(url: str, peers: Path | None) -> dict[str, Sequence[str]]:
    """Return how the contenders are started; peers where there is an environment of theirs."""
    found: dict[str, Sequence[str]] = {"ours": ours(url)}
    if peers is not None:
        found["django_peer"] = [str(peers), "django_peer.py", url]
        found["native_peer"] = [str(peers), "native_peer.py", url]
    return {**found, "orm": [*python(), "orm.py", url], "raw": by_hand(url)}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [*(each.name for each in [*WORKLOADS, *writers.CASES]), *OTHERS]
    parser.add_argument("--only", nargs="+", choices=names, default=[])
    parser.add_argument(
        "--databases", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round of writers")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[10_000, 1_000_000],
        help="of logs, for growth; the last one for memory, too",
    )
    parser.add_argument("--peers", type=Path, help="the interpreter of the peers' environment")
    parser.add_argument("--result", type=Path, help="a file for the figures, as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
