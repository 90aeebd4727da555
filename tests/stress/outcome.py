"""The outcome of a scenario: what the checker says, and how long it took to go on after a fault."""

from collections.abc import Iterable

from tests.stress.figures import Figures
from tests.stress.servers import PrivateServer
from tests.stress.site import Run, Site


def finish(site: Site, figures: Figures, timeout: float = 300) -> None:
    """Wait for the followers, and let the checker find nothing."""
    site.wait_until_caught_up(timeout)
    verdict = site.check()
    for kind, number in {"events": verdict.logged, **verdict.faults}.items():
        figures.record(kind, number)
    assert verdict.acknowledged, "The load has recorded nothing."
    assert verdict.is_clean, str(verdict)


def server_of(site: Site) -> PrivateServer:
    """Return the server of the site, which is one that can be killed."""
    assert isinstance(site.server, PrivateServer)
    return site.server


def delays(runs: Iterable[Run], times: Iterable[float]) -> list[float]:
    """Return how long after each of the times the next policy ran, of any follower."""
    at = sorted(run.at for run in runs)
    found = []
    for time in times:
        later = [each - time for each in at if each >= time]
        found.append(later[0] if later else float("inf"))
    return found


def takeovers(runs: Iterable[Run], kills: Iterable[tuple[int, float]]) -> list[float]:
    """
    Return how long each follower that a killed process was running waited for another one.

    ``kills`` are process ids and times. A follower counts if its last run before was the process's.
    """
    by_follower: dict[str, list[Run]] = {}
    for run in runs:
        by_follower.setdefault(run.follower, []).append(run)
    found = []
    for pid, time in kills:
        for mine in by_follower.values():
            before = [run for run in mine if run.at <= time]
            after = [run for run in mine if run.at > time and run.pid != pid]
            if before and before[-1].pid == pid:
                found.append(after[0].at - time if after else float("inf"))
    return found
