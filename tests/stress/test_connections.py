"""Ways to connect to PostgreSQL (scenario M9): a pooler, a pool, connections that are kept or not."""

import time
from typing import Any

import pytest

from tests.django.wake_up.poolers import Pooler
from tests.stress.figures import Figures
from tests.stress.forms import forms, on
from tests.stress.outcome import delays, finish, server_of
from tests.stress.processes import Supervised
from tests.stress.site import Site
from tests.stress.test_database_loss import assert_same_process, warnings
from tests.stress.test_log import record_load
from tests.stress.test_runner_life import STEADY, wait_for_runs

pytestmark = on("postgres")

WAYS: dict[str, dict[str, Any]] = {
    "a connection for each request": {"CONN_MAX_AGE": 0},
    "kept for 60 s": {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": False},
    "kept for 60 s, with health checks": {"CONN_MAX_AGE": 60},
    "kept for ever": {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False},
    "a pool": {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}},
}


@forms(requests=(20, 1250))
def test_m9_eight_writers_through_a_pooler(site: Site, figures: Figures, requests: int) -> None:
    with Pooler({**site.database, "PASSWORD": ""}) as pooler:
        pooled = through(pooler, site.database)
        site.runner(database=pooled)
        loads = [
            site.load("--requests", requests, "--hold", 0.02, database=pooled) for _ in range(8)
        ]

        assert [load.join() for load in loads] == [0] * 8

        finish(site, figures)
    record_load(site, figures)
    assert site.errors() == {}


@forms(times=(3, 30))
def test_m9_the_sessions_of_a_pooler_are_ended(site: Site, figures: Figures, times: int) -> None:
    server_of(site).add_user("runner")
    with Pooler({**site.database, "USER": "runner", "PASSWORD": ""}) as pooler:
        endure_cuts(site, figures, through(pooler, site.database), times)


@pytest.mark.parametrize("way", WAYS)
@forms(requests=(20, 600), times=(1, 10))
def test_m9_ways_to_keep_connections(
    site: Site, figures: Figures, way: str, requests: int, times: int
) -> None:
    figures.case = way
    server_of(site).add_user("runner")
    chosen = WAYS[way]
    options = {**site.database["OPTIONS"], **chosen.get("OPTIONS", {})}
    connected = {**site.database, **chosen, "OPTIONS": options}
    writers = [
        site.load("--requests", requests, "--hold", 0.02, database=connected) for _ in range(8)
    ]

    endure_cuts(site, figures, {**connected, "USER": "runner"}, times, *writers)

    assert site.errors() == {}


def endure_cuts(
    site: Site, figures: Figures, database: dict[str, Any], times: int, *writers: Supervised
) -> None:
    """Let a runner lose its sessions, every 2 s, so many times; the checker is to find nothing."""
    runner = site.runner(database=database)
    load = site.load(*STEADY)
    wait_for_runs(site, 20)

    cuts, ended = [], 0
    for _ in range(times):
        cuts.append(time.time())
        ended += server_of(site).end_sessions("runner")
        time.sleep(2)  # The scenario's pace.
    load.stop()
    assert [writer.join() for writer in writers] == [0] * len(writers)

    finish(site, figures)
    figures.record("sessions_ended", ended)
    figures.record("recovery", max(delays(site.runs(), cuts)))
    figures.record("warnings", warnings(runner))
    assert_same_process(runner)
    assert ended >= times
    if figures.is_long:
        assert figures.values["recovery"] < 2


def through(pooler: Pooler, database: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of DATABASES that leads through the pooler."""
    return {**database, "HOST": pooler.host, "PORT": pooler.port}
