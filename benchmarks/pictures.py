"""
Write the figures of a comparison into `docs/performance.md`, as tables and as charts.

    python -m benchmarks.pictures result.json

The file is what `python -m benchmarks --result` has written.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

from benchmarks.comparison import writers
from benchmarks.comparison.report import name_of
from benchmarks.comparison.workloads import RATES

mpl.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
IMAGES = ROOT / "docs" / "images"
CONTENDERS = ("ours", "django_peer", "native_peer", "orm", "raw")
COLOURS = ("#0c6b58", "#b5651d", "#8a6fb0", "#5b7fa6", "#999999")
DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def main() -> int:
    results = json.loads(Path(sys.argv[1]).read_text())
    text = PAGE.read_text()
    for name, lines in TABLES.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = "\n".join([f"{before}{begin}", "", *lines(results), "", f"{end}{after}"])
    PAGE.write_text(text)
    for database in DATABASES:
        draw(results, database)
    return 0


def rates(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of rates, SQLite / PostgreSQL."""
    yield f"| events a second, SQLite / PostgreSQL | {' | '.join(map(name_of, CONTENDERS))} |"
    yield f"|---|{'---|' * len(CONTENDERS)}"
    for workload in RATES:
        found = results.get(workload.name)
        if found:
            cells = (" / ".join(rates_of(found, name)) or "-" for name in CONTENDERS)
            yield f"| {workload.title} | {' | '.join(cells)} |"


def written(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of what several processes have committed, on PostgreSQL."""
    names = (*CONTENDERS, "locked")
    yield f"| transactions a second (p99) | {' | '.join(map(name_of, names))} |"
    yield f"|---|{'---|' * len(names)}"
    for case in writers.CASES:
        found = results.get(case.name, {}).get("postgres", {})
        cells = (
            f"{rounded(found[name]['rate']):,} ({found[name]['p99']:.0f} ms)"
            if name in found
            else "-"
            for name in names
        )
        if found:
            yield f"| {case.title} | {' | '.join(cells)} |"


def latencies(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of how soon events are processed."""
    names = ("ours", "django_peer", "native_peer")
    yield f"| p50 / p99, PostgreSQL | {' | '.join(map(name_of, names))} |"
    yield f"|---|{'---|' * len(names)}"
    for name, title in (("latency", "by a thread"), ("another_process", "by another process")):
        found = results.get(name, {}).get("postgres", {})
        cells = (
            f"{found[each]['p50']:.1f} / {found[each]['p99']:.1f} ms" if each in found else "-"
            for each in names
        )
        if found:
            yield f"| processed {title} after the save | {' | '.join(cells)} |"


def costs(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of what a few things cost, with few events and with many."""
    of_sizes: Mapping[str, Any] = next(iter(results.get("growth", {}).values()), {})
    yield f"| milliseconds, with events | {' | '.join(f'{int(size):,}' for size in of_sizes)} |"
    yield f"|---|{'---|' * len(of_sizes)}"
    for database, found in results.get("growth", {}).items():
        for what in next(iter(found.values())):
            cells = (f"{each[what] * 1000:.2f}" for each in found.values())
            yield f"| {what}, {DATABASES[database]} | {' | '.join(cells)} |"


TABLES = {"figures": rates, "writers": written, "latencies": latencies, "growth": costs}


def rates_of(found: Mapping[str, Any], name: str) -> Iterator[str]:
    for database in DATABASES:
        if name in found.get(database, {}):
            yield f"{rounded(found[database][name]['rate']):,}"


def rounded(rate: float) -> int:
    """Return a rate with the digits that mean something."""
    return int(round(rate, min(0, 3 - len(str(int(rate))))))


def draw(results: Mapping[str, Any], database: str) -> None:
    """Draw, for each workload, how many times as fast as the Django peer everybody is."""
    workloads = [w for w in RATES if "django_peer" in results.get(w.name, {}).get(database, {})]
    if not workloads:
        return
    figure, axes = plt.subplots(figsize=(9, 0.95 * len(workloads) + 1.2))
    height = 0.8 / len(CONTENDERS)
    for number, name in enumerate(CONTENDERS):
        rows = [(i, results[w.name][database]) for i, w in enumerate(workloads)]
        places = [i + number * height for i, found in rows if name in found]
        ratios = [
            found[name]["rate"] / found["django_peer"]["rate"] for _, found in rows if name in found
        ]
        bars = axes.barh(places, ratios, height, color=COLOURS[number], label=name_of(name))
        axes.bar_label(bars, [f"{ratio:.1f}" for ratio in ratios], padding=3, fontsize=7)
    axes.set_yticks([i + 0.4 - height / 2 for i in range(len(workloads))])
    axes.set_yticklabels([w.title for w in workloads])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=0.3)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(f"times the rate of the Django peer, {DATABASES[database]}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(IMAGES / f"performance-{database}.png", dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    sys.exit(main())
