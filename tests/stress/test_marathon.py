"""The marathon: all processes of a site under random load, killed at random, and their database too."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tests.stress.figures import Figures
from tests.stress.forms import forms, on
from tests.stress.outcome import delays, finish, takeovers
from tests.stress.processes import Supervised
from tests.stress.servers import PrivateServer
from tests.stress.site import Site
from tests.waiting import wait_until

TAKEOVER = 15 + 2
RECOVERY = 10


class Faults(NamedTuple):
    """What has been done to the site, and when."""

    kills: list[tuple[int, float]]
    """Processes of the runner."""
    web_kills: list[float]
    ups: list[float]
    """When the database answered again."""
    downs: list[tuple[float, float]]
    """From when to when it did not."""


@on("postgres", "mariadb")
@forms(seconds=(15, 600), restarts=(1, 3))
def test_marathon(
    site: Site, figures: Figures, tell: Callable[[str], None], seconds: float, restarts: int
) -> None:
    runners = [site.runner() for _ in range(2)]
    webs = [
        site.load("--threads", 2, "--pause", 0.2, "--hold", 0.02, "--accounts", 2000, restarts=True)
        for _ in range(3)
    ]
    wait_until(lambda: site.processed() > 20, "at work", 60)

    faults = torment(site, runners, webs, seconds, restarts, tell)
    for web in webs:
        web.stop()

    finish(site, figures, timeout=120)
    runs = site.runs()
    # A take-over cannot begin before the database is up again.
    outside = [
        kill
        for kill in faults.kills
        if not any(down - 1 < kill[1] < up + RECOVERY for down, up in faults.downs)
    ]
    figures.record("acknowledged", len(site.acknowledged()))
    figures.record("runner_kills", len(faults.kills))
    figures.record("web_kills", len(faults.web_kills))
    figures.record("restarts", len(faults.ups))
    figures.record("takeover", max(takeovers(runs, outside), default=0.0))
    figures.record("recovery", max(delays(runs, faults.ups), default=0.0))
    unasked = [e for r in runners for e in r.endings if e.pid not in dict(faults.kills)]
    assert unasked == []
    assert figures.values["takeover"] < TAKEOVER
    assert figures.values["recovery"] < RECOVERY


def torment(
    site: Site,
    runners: list[Supervised],
    webs: list[Supervised],
    seconds: float,
    restarts: int,
    tell: Callable[[str], None],
) -> Faults:
    """Kill processes at random times, and the database now and then, for as long as is said."""
    server = site.server
    assert isinstance(server, PrivateServer)
    faults = Faults([], [], [], [])
    began = time.monotonic()
    due = [seconds * (number + 0.5) / restarts for number in range(restarts)]
    told = 0.0
    while (passed := time.monotonic() - began) < seconds:
        if due and passed > due[0]:
            due.pop(0)
            down = time.time()
            faults.ups.append(server.restart(down=site.chance.uniform(0, 2)))
            faults.downs.append((down, faults.ups[-1]))
        elif site.chance.random() < 0.4:
            faults.kills.append((site.chance.choice(runners).kill(), time.time()))
        else:
            site.chance.choice(webs).kill()
            faults.web_kills.append(time.time())
        if passed - told > 30:
            told = passed
            tell(progress(site, passed, seconds, faults))
        # The random time to the next fault.
        time.sleep(site.chance.uniform(0.5, min(8.0, seconds / 5)))
    return faults


def progress(site: Site, passed: float, seconds: float, faults: Faults) -> str:
    """Say how far the marathon is, in a line that a log file can hold."""
    return (
        f"marathon on {site.server.vendor}: {passed:.0f} of {seconds:.0f} s, "
        f"{site.logged()} events, {site.processed()} processed, {len(faults.kills)} runners and "
        f"{len(faults.web_kills)} web processes killed, {len(faults.ups)} restarts"
    )
