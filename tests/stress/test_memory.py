"""Load, memory and time (scenarios M): nothing grows that should not."""

import json
import time
from pathlib import Path

from pytest_django.plugin import DjangoDbBlocker

from benchmarks import catch_up_memory
from benchmarks.catch_up_memory import resident
from tests.stress.conftest import server_of
from tests.stress.figures import Figures
from tests.stress.forms import forms, on
from tests.stress.outcome import finish
from tests.stress.servers import PrivateServer
from tests.stress.site import Site, percentile
from tests.waiting import wait_until


@forms(seconds=(3, 300))
def test_m2_a_follower_that_is_slower_than_its_leader(
    site: Site, figures: Figures, seconds: float
) -> None:
    site.use({"Watcher": ["Bank"]})
    watched = {"STRESS_SYSTEM": "tests.stress.project.applications.watched"}
    runner = site.runner(STRESS_POLICY_SECONDS="0.02", **watched)
    load = site.load("--threads", 2, "--pause", 0.01, **watched)
    wait_until(lambda: site.processed() > 10, "at work")
    before = resident(runner.pid)

    time.sleep(seconds)  # The length of the load.
    load.stop()

    figures.record("behind", site.logged() - site.processed())
    figures.record("growth_mb", resident(runner.pid) - before)
    # The rest in little time: what has been measured is measured.
    assert runner.stop() == 0
    site.runner(**watched)
    finish(site, figures)
    assert figures.values["growth_mb"] < 100


@forms(cycles=(10, 2500))
def test_m3_a_compressed_soak(site: Site, figures: Figures, cycles: int) -> None:
    soak = site.soak(cycles)
    most_sessions = 0
    while '{"before"' not in soak.output:
        assert soak.is_running(), soak.output[-3000:]
        most_sessions = max(most_sessions, sessions(site))
        time.sleep(0.05)  # The pace of the samples.
    # Those that have just been closed are gone in a moment.
    wait_until(lambda: sessions(site) == 0, "no session is left")
    assert soak.is_running()

    measured = json.loads(soak.output.splitlines()[-1])
    before, after = measured["before"], measured["after"]
    figures.record("cycles", cycles)
    for name in ("fds", "threads", "traced"):
        figures.record(f"{name}_growth", float(after[name] - before[name]))
    figures.record("most_threads", measured["most_threads"])
    figures.record("most_sessions", most_sessions)
    assert after["threads"] <= before["threads"]
    assert after["fds"] <= before["fds"] + 2
    assert after["traced"] - before["traced"] < 5
    assert site.processed() >= 3 * cycles
    assert most_sessions <= measured["most_threads"] + 1


def sessions(site: Site) -> int:
    """Return how many connections the server has now, but for those of files, which have none."""
    return site.server.sessions(site.name) if isinstance(site.server, PrivateServer) else 0


@on("sqlite")
@forms(seconds=(3, 600), slowest=(5.0, 1.0))
def test_m6_a_site_on_sqlite(site: Site, figures: Figures, seconds: float, slowest: float) -> None:
    site.runner()
    loads = [site.load("--seconds", seconds, "--pause", 0.4) for _ in range(6)]
    wal = Path(f"{site.database['NAME']}-wal")
    largest = 0.0
    while any(load.is_running() for load in loads):
        largest = max(largest, wal.stat().st_size / 2**20 if wal.exists() else 0.0)
        time.sleep(0.2)  # The pace of the samples.

    assert [load.join() for load in loads] == [0] * 6
    finish(site, figures)
    figures.record("errors", sum(site.errors().values()))
    figures.record("request_p99", percentile([note["s"] for note in site.notes()], 0.99))
    figures.record("wal_mb", largest)
    assert site.errors() == {}
    assert figures.values["request_p99"] < slowest
    assert figures.values["wal_mb"] < 64


@forms(events=(3000, 100_000))
def test_m1_the_benchmark_of_catching_up(
    vendor: str, figures: Figures, events: int, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        server = server_of(vendor)
        server.drop("catch_up")
        samples = catch_up_memory.measured(server, events, "counted")

    tenth = events // 10
    first = catch_up_memory.cpu_rate(samples, 0, tenth)
    last = catch_up_memory.cpu_rate(samples, events - tenth, events)
    figures.record("log", events)
    figures.record("growth_mb", max(s.megabytes for s in samples) - samples[0].megabytes)
    assert figures.values["growth_mb"] < catch_up_memory.MOST_GROWTH
    if first and last:
        # By the process's own time: others are at work on the machine.
        figures.record("last_to_first", last / first)
        assert figures.values["last_to_first"] > catch_up_memory.LEAST_RATE
