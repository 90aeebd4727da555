"""Databases that go away (scenarios R3 to R6): the same process recovers by itself."""

import re
import time
from datetime import UTC, datetime

from tests.stress.figures import Figures
from tests.stress.forms import forms, on
from tests.stress.outcome import delays, finish, server_of
from tests.stress.processes import Supervised
from tests.stress.proxy import PausingProxy
from tests.stress.site import Site
from tests.stress.test_runner_life import STEADY, wait_for_runs

servers = on("postgres", "mariadb")


def assert_same_process(runner: Supervised) -> None:
    assert runner.endings == []
    assert runner.is_running()


OUTAGE = re.compile(
    r"^(\S+ \S+) WARNING .*(?:waits? for (?:the database|it)\b|has not answered)", re.MULTILINE
)


def warnings(runner: Supervised) -> int:
    return len(OUTAGE.findall(runner.output))


def told_after(runner: Supervised, at: float) -> float:
    """Return how many seconds after this time the runner's log first tells of an outage."""
    told = [
        datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f").replace(tzinfo=UTC).timestamp()
        for text in OUTAGE.findall(runner.output)
    ]
    return min((time - at for time in told if time > at), default=float("inf"))


@servers
@forms(restarts=(1, 5))
def test_r3_the_server_is_killed_under_load(site: Site, figures: Figures, restarts: int) -> None:
    runner = site.runner()
    load = site.load("--threads", 2, *STEADY)
    wait_for_runs(site, 20)

    ups = []
    for _ in range(restarts):
        ups.append(server_of(site).restart(down=1.0))
        wait_for_runs(site, 20)
    load.stop()

    finish(site, figures)
    figures.record("restarts", restarts)
    figures.record("recovery", max(delays(site.runs(), ups)))
    figures.record("warnings", warnings(runner))
    figures.record("in_doubt_or_refused", sum(site.errors().values()))
    assert_same_process(runner)
    assert figures.values["recovery"] < 10 * figures.patience


@servers
@forms(times=(3, 30))
def test_r4_the_runners_sessions_are_ended(site: Site, figures: Figures, times: int) -> None:
    server = server_of(site)
    server.add_user("runner")
    runner = site.runner(database={**site.database, "USER": "runner"})
    load = site.load(*STEADY)
    wait_for_runs(site, 20)

    cuts, ended = [], 0
    for _ in range(times):
        cuts.append(time.time())
        ended += server.end_sessions("runner")
        time.sleep(2)  # The scenario's pace.
    load.stop()

    finish(site, figures)
    figures.record("sessions_ended", ended)
    figures.record("recovery", max(delays(site.runs(), cuts)))
    figures.record("warnings", warnings(runner))
    assert_same_process(runner)
    assert ended >= times
    assert figures.values["recovery"] < 2 * figures.patience
    assert figures.values["warnings"] <= ended


@servers
@forms(seconds=(3, 30))
def test_r5_the_network_is_cut(site: Site, figures: Figures, seconds: float) -> None:
    with PausingProxy(server_of(site).port) as proxy:
        options = {**site.database["OPTIONS"], **TIME_OUTS[site.server.vendor]}
        remote = {**site.database, "PORT": str(proxy.port), "OPTIONS": options}
        runner = site.runner(database=remote)
        load = site.load(*STEADY)
        wait_for_runs(site, 20)

        proxy.pause()
        cut = time.time()
        time.sleep(seconds)  # As long as the scenario says.
        proxy.resume()
        healed = time.time()
        wait_for_runs(site, 20)
        load.stop()

        finish(site, figures)
        figures.record("cut", seconds)
        figures.record("recovery", max(delays(site.runs(), [healed])))
        figures.record("warnings", warnings(runner))
        assert_same_process(runner)
        assert figures.values["recovery"] < 10 * figures.patience
        if figures.is_long:
            # The kernel takes what the proxy does not pass on, so TCP's own time-outs notice
            # nothing: the runner has to.
            figures.record("detected", told_after(runner, cut))
            assert figures.values["detected"] < 15 * figures.patience


TIME_OUTS = {
    "postgresql": {
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    },
    "mysql": {"read_timeout": 10, "write_timeout": 10},
}
"""What lets a process notice that nobody answers, as docs/how-to/databases.md has it."""


@servers
@forms(seconds=(2, 20))
def test_r6_the_server_is_down_at_the_start(site: Site, figures: Figures, seconds: float) -> None:
    site.load("--requests", 10).join()
    server = server_of(site)
    server.kill()
    try:
        hasty = site.runner("--max-wait", 1, restarts=False)
        patient = site.runner("--max-wait", 120)

        figures.record("code_after_max_wait", hasty.join(30))
        time.sleep(seconds)  # The length of the outage.
    finally:
        server.start()
    up = time.time()

    finish(site, figures)
    figures.record("recovery", max(delays(site.runs(), [up])))
    assert_same_process(patient)
    assert figures.values["code_after_max_wait"] == 1
    # The waits double, from 0.25 s up to 30 s: it may just have begun the longest.
    assert figures.values["recovery"] < 30 + 5
