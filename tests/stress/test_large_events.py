"""Large events (scenario M4): refused where there is a limit, and read few at a time elsewhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.stress.databases import ROOT, environment, execute
from tests.stress.figures import Figures
from tests.stress.forms import forms
from tests.stress.processes import Supervised
from tests.stress.site import Site

SYSTEM = {"STRESS_SYSTEM": "tests.stress.project.documents.system"}
RAISED = {"PAYLOAD_MAX_BYTES": str(64 * 2**20 + 2**10)}
"""So much that a document of 64 MiB may be filed."""


@forms(largest=(16, 64))
def test_m4_large_events_are_filed_or_refused(site: Site, figures: Figures, largest: int) -> None:
    raised = {"PAYLOAD_MAX_BYTES": str(largest * 2**20 + 2**10)}

    (refused,) = file(site, 1)
    assert refused[0] == "PayloadTooLargeError"
    assert refused[1].startswith("Files: The event with topic 'tests.stress.project.documents:")
    assert refused[1].endswith("or raise PAYLOAD_MAX_BYTES.")
    assert site.logged() == 0

    if site.server.vendor == "mysql":
        with_a_small_packet(site, largest, raised)
    outcomes = file(site, 1, 16, largest, largest + 1, **raised)

    figures.record("largest_mib", largest)
    assert [outcome for outcome, _ in outcomes] == [*["filed"] * 3, "PayloadTooLargeError"]
    follow(site, 3)


def with_a_small_packet(site: Site, largest: int, raised: dict[str, str]) -> None:
    """Let the server take no more than it does by default, and then as much as is needed."""
    execute(site.database, f"SET GLOBAL max_allowed_packet = {16 * 2**20}")

    (refused,) = file(site, largest, **raised)

    assert refused[0] == "DataError"
    assert refused[1].endswith("or raise max_allowed_packet on the server.")
    assert site.logged() == 0
    execute(site.database, f"SET GLOBAL max_allowed_packet = {(largest + 16) * 2**20}")


@forms(mebibytes=(4, 64), most_growth=(90, 480))
def test_m4_a_follower_reads_few_large_events_at_a_time(
    site: Site, figures: Figures, mebibytes: int, most_growth: int
) -> None:
    if site.server.vendor == "mysql":
        execute(site.database, f"SET GLOBAL max_allowed_packet = {(mebibytes + 16) * 2**20}")
    before = follow(site, file_some(site, 1, 1))

    after = follow(site, file_some(site, mebibytes, 25 if mebibytes < 64 else 8))

    figures.record("log_mb", float(mebibytes * (site.logged() - 1)))
    figures.record("growth_mb", after - before)
    assert figures.values["growth_mb"] < most_growth


def file(site: Site, *mebibytes: int, **variables: str) -> list[list[str]]:
    """File documents of these sizes in a process of their own; return what came of each."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.stress.large", *map(str, mebibytes)],
        cwd=ROOT,
        env=environment(site.database, **SYSTEM, **variables),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes: list[list[str]] = json.loads(done.stdout)
    return outcomes


def file_some(site: Site, mebibytes: int, number: int) -> int:
    """File so many of a size; return how many there are in all."""
    outcomes = file(site, *[mebibytes] * number, **RAISED)
    assert outcomes == [["filed", ""]] * number
    return site.logged()


def follow(site: Site, events: int) -> float:
    """Let a runner process all there is; return the most megabytes that it has had."""
    site.use({"Clerk": ["Files"]})
    runner = site.runner(**SYSTEM, **RAISED)
    site.wait_until_caught_up(300)
    megabytes = peak(runner)
    assert runner.stop() == 0
    assert [run.pid for run in site.runs()].count(runner.pid) > 0
    assert site.processed() == events
    return megabytes


def peak(process: Supervised) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
