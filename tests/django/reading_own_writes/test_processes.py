"""Pages show what their visitors have written, while ``run_system`` is another process, or none."""

import asyncio
import json
import signal
from contextlib import contextmanager

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from django.test import AsyncClient, Client

from tests.django.commands.processes import Manage
from tests.django.reading_own_writes.held import wait_until_held
from tests.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("site")]


@pytest.fixture(params=[100, pytest.param(500, marks=pytest.mark.stress)])
def times(request):
    return request.param


@pytest.mark.long_elsewhere("mariadb")
def test_each_write_is_seen_by_the_next_page(configured, times):
    client = Client()
    seen = []

    with running(configured()):
        for number in range(times):
            client.post(f"/write/trick-{number}/")
            seen.append(client.get(f"/read/trick-{number}/").json())

    assert seen == [{"count": 1, "stale": False}] * times


@pytest.mark.long_elsewhere("default")
def test_each_write_is_seen_by_the_page_that_writes(configured, times):
    client = Client()

    with running(configured()):
        seen = [client.post(f"/write-and-read/trick-{n}/").json() for n in range(times)]

    assert seen == [{"count": 1, "done": True}] * times


@pytest.mark.long_elsewhere("postgres")
def test_each_write_is_seen_by_asynchronous_pages(configured):
    async def visit(client):
        seen = []
        for number in range(50):
            await client.post(f"/awrite/trick-{number}/")
            seen.append((await client.get(f"/aread/trick-{number}/")).json())
            seen.append((await client.post(f"/awrite-and-read/other-{number}/")).json())
        # They are those of a thread that outlives the loop.
        await sync_to_async(connections.close_all)()
        return seen

    with running(configured()):
        seen = asyncio.run(visit(AsyncClient()))

    assert seen == [{"count": 1, "stale": False}, {"count": 1, "done": True}] * 50


@pytest.mark.long_elsewhere("postgres")
def test_what_was_written_while_nothing_runs_is_missing_and_told_and_seen_later(configured):
    client = Client()
    setting = configured()
    with running(setting) as runner:
        client.post("/write/sit/")
        assert client.get("/read/sit/").json() == {"count": 1, "stale": False}
        runner.send(signal.SIGTERM)
        assert runner.wait() == 0

    client.post("/write/sit/")
    # Nobody holds the follower: the page does not wait for its minute.
    stale = client.get("/read/sit/")

    assert (stale.status_code, stale["X-Read-Model"]) == (200, "stale")
    assert stale.json() == {"count": 1, "stale": True}
    with running(setting):
        wait_until(lambda: client.get("/read-soon/sit/").json()["count"] == 2, "caught up", 60)
    assert client.get("/read/sit/").json() == {"count": 2, "stale": False}


@contextmanager
def running(setting):
    """Have ``run_system`` run, and begin when it does."""
    env = {
        "TEST_ROUTERS": json.dumps(["tests.django.reading_own_writes.routers.Boards"]),
        "TEST_BOARDS_DATABASE": setting["default"]["DATABASE"],
    }
    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until_held(setting["default"]["DATABASE"])
        yield runner
