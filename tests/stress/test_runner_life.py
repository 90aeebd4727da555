"""The life of the runner (scenarios R): killed, stopped, paused, taken over from; nothing hurts."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.stress.figures import Figures
from tests.stress.forms import forms
from tests.stress.outcome import delays, finish, takeovers
from tests.stress.processes import Supervised
from tests.stress.site import Site
from tests.waiting import wait_until

STEADY = ("--pause", 0.05, "--accounts", 500)
"""The options of a load that leaves the machine some time."""


def wait_for_runs(site: Site, number: int, timeout: float = 60) -> None:
    """Wait until this many policies more have run."""
    target = site.processed() + number
    wait_until(lambda: site.processed() >= target, f"{number} more\n{site.logs[-3000:]}", timeout)


def wait_for_lives(runner: Supervised, number: int, timeout: float) -> None:
    """Wait until the process has ended, and been started again, this many times."""
    wait_until(lambda: len(runner.endings) >= number, f"{number} ends\n{runner.output}", timeout)


@forms(kills=(3, 50))
def test_r1_killed_at_random_times(site: Site, figures: Figures, kills: int) -> None:
    runner = site.runner()
    load = site.load(*STEADY)
    wait_for_runs(site, 10)

    for _ in range(kills):
        time.sleep(site.chance.uniform(0.05, 1.2))  # The random time of the kill.
        runner.kill()
        wait_until(lambda: runner.is_running(), "started again")
    wait_for_runs(site, 10)
    load.stop()

    finish(site, figures)
    figures.record("kills", len(runner.endings))
    figures.record("start_to_first_event", max(delays(site.runs(), [runner.starts[-1][1]])))
    assert figures.values["start_to_first_event"] < 3 * figures.patience


@pytest.mark.parametrize(
    ("point", "number"), [("read", 40), ("policy", 40), ("commit", 7), ("committed", 7)]
)
@forms(lives=(1, 10))
def test_r2_killed_at_named_points(
    site: Site, figures: Figures, point: str, number: int, lives: int
) -> None:
    figures.case = f"point {point}"
    runner = site.runner("--batch-size", 5, STRESS_FAULT=f"{point}:KILL:{number}")
    load = site.load(*STEADY)

    wait_for_lives(runner, lives, 10 + 20 * lives)
    load.stop()

    finish(site, figures)
    figures.record("kills", len(runner.endings))
    assert {ending.code for ending in runner.endings} == {-signal.SIGKILL}


@forms(seconds=(1, 5))
def test_r7_a_signal_lets_a_slow_policy_finish(
    site: Site, figures: Figures, seconds: float
) -> None:
    # One follower: on SQLite, others would wait for their turn to write.
    site.use({"Watcher": ["Bank"]})
    only = {"STRESS_SYSTEM": "tests.stress.project.applications.watched"}
    runner = site.runner(restarts=False, STRESS_POLICY_SECONDS=str(seconds), **only)
    site.load("--requests", 3, "--rollbacks", 0).join()
    wait_until(lambda: site.processed() > 0, "at work")

    started = time.monotonic()
    code = runner.stop()

    figures.record("seconds_to_end", time.monotonic() - started)
    assert code == 0
    assert figures.values["seconds_to_end"] < (seconds + 2) * figures.patience
    site.runner(restarts=False, **only)
    finish(site, figures)


@forms(tries=(3, 100))
def test_r7_a_signal_during_the_commit(site: Site, figures: Figures, tries: int) -> None:
    runner = site.runner(STRESS_FAULT="commit:TERM:3")
    load = site.load(*STEADY)

    wait_for_lives(runner, tries, 10 + 5 * tries)
    load.stop()

    # Each life processes a little of what the load has left, and ends.
    finish(site, figures, timeout=900)
    figures.record("signals", len(runner.endings))
    assert {ending.code for ending in runner.endings} == {0}


@forms(runners=(2, 5))
def test_r8_several_runners_at_once(site: Site, figures: Figures, runners: int) -> None:
    processes = [site.runner(restarts=False) for _ in range(runners)]
    load = site.load(*STEADY)
    wait_until(lambda: {run.pid for run in site.runs()} > set(), "at work")
    wait_for_runs(site, 20)

    killed = max(processes, key=lambda each: [run.pid for run in site.runs()].count(each.pid))
    kill = (killed.kill(), time.time())
    wait_until(lambda: bool(site.runs()) and has_moved(site, *kill), "taken over", 30)
    left = [each for each in processes if each is not killed]
    working = max(left, key=lambda each: [run.pid for run in site.runs()].count(each.pid))
    stop = (working.pid, time.time())
    if len(left) > 1:
        assert working.stop() == 0
        stop = (working.pid, time.time())
        wait_until(lambda: has_moved(site, *stop), "taken over", 30)
    load.stop()

    finish(site, figures)
    figures.record("takeover_after_kill", max(takeovers(site.runs(), [kill])))
    assert figures.values["takeover_after_kill"] < (15 + 2) * figures.patience
    if len(left) > 1:
        figures.record("takeover_after_stop", max(takeovers(site.runs(), [stop]), default=0))
        assert figures.values["takeover_after_stop"] < (2 + 1) * figures.patience


def has_moved(site: Site, pid: int, at: float) -> bool:
    """Tell whether each follower that the process ran has been run by another one since."""
    return all(delay < 3600 for delay in takeovers(site.runs(), [(pid, at)]))


@pytest.mark.stress
def test_r9_a_stopped_leader_is_taken_over_from(site: Site, figures: Figures) -> None:
    leader = site.runner(restarts=False)
    site.load("--requests", 20).join()
    site.wait_until_caught_up()
    site.runner(restarts=False)
    wait_until(lambda: "polling" in site.logs, "both run")

    leader.send(signal.SIGSTOP)
    stopped = (leader.pid, time.time())
    load = site.load(*STEADY)
    try:
        wait_until(lambda: has_moved(site, *stopped), "taken over", 30)
        time.sleep(max(0.0, 60 - (time.time() - stopped[1])))  # As long as the scenario says.
    finally:
        leader.send(signal.SIGCONT)
    wait_for_runs(site, 50)
    load.stop()

    finish(site, figures)
    figures.record("takeover", max(takeovers(site.runs(), [stopped])))
    figures.record("old_leader_code", leader.stop())
    assert figures.values["takeover"] < (15 + 2) * figures.patience
    assert figures.values["old_leader_code"] == 0


@forms(seconds=(4, 60))
def test_r10_clocks_that_are_wrong(site: Site, figures: Figures, seconds: float) -> None:
    fast, slow = wrong_clock("+1h"), wrong_clock("-1h")
    site.load("--requests", 10).join()
    first = site.runner(restarts=False, **fast)
    site.wait_until_caught_up()
    second = site.runner(restarts=False, **slow)
    loads = [site.load(*STEADY), site.load(*STEADY, **fast)]
    asked = len(site.notes())
    time.sleep(seconds)  # The length of the load.
    wait_until(lambda: len(site.notes()) > asked + 20, "requests answered")

    assert first.stop() == 0
    started = time.monotonic()
    wait_for_runs(site, 10)

    figures.record("takeover_after_stop", time.monotonic() - started)
    for load in loads:
        # Not asked to: libfaketime may leave a thread waiting for ever.
        load.close()
    finish(site, figures)
    assert second.is_running()
    assert figures.values["takeover_after_stop"] < 5 * figures.patience


def wrong_clock(offset: str) -> dict[str, str]:
    """Return the environment of a process whose clock is wrong by the offset."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        missing = "libfaketime is not installed: `apt-get install libfaketime`"
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    # Only what the clock on the wall shows: what has passed, has passed.
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
