"""Pages ask little of databases, as whoever manages followers, and whatever state these are in."""

import re
from uuid import uuid4

import pytest
from django.conf import settings as configured_settings
from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import get_system
from django_eventsourcing.models import ProjectionRecord, RebuildRequest
from tests.django.admin.pages import LOGS, POSITIONS, SYSTEMS, follower_page, order_url, text
from tests.django.admin.visitors import logged_in
from tests.django.projections.rebuilds import add_tricks
from tests.django.projections.rebuilt import VersionedBoard
from tests.django.status.rows import ago, at, ids_of, parked, told, worker_in

ALIASES = [
    alias for alias in ("default", "postgres", "mariadb") if alias in configured_settings.DATABASES
]
MOST = 12
# What begins and ends transactions, and sets the limits of time, is no query. On PostgreSQL, one asks
# more than usual: for whose end readers wait, which is the test's own transaction.
NO_QUERY = re.compile(
    r"\s*(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|SET)\b|.*statement_time|.* FROM pg_locks",
    re.DOTALL,
)

pytestmark = pytest.mark.django_db(databases=ALIASES)


@pytest.fixture(params=ALIASES)
def alias(request, configured, settings):
    """Each database in turn, with a projection that is behind, and has failed."""
    configure(settings, request.param)
    add_tricks()
    ids = ids_of(request.param)
    at(request.param, ids[0], "Board")
    told(request.param, "Board", state="failed", upstream_name="DogSchool", notification_id=ids[1])
    for number in ids[2:]:
        parked(request.param, number, "Board")
    return request.param


def configure(settings, alias, system="board_system", **values):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": f"tests.django.projections.rebuilt.{system}", "DATABASE": alias}
    }
    settings.EVENTSOURCING["default"] |= values


def left(alias, kind):
    """Let a rebuild have been begun by a process that is gone."""
    return ProjectionRecord.objects.using(alias).create(
        application_name="Board",
        version=1,
        kind=kind,
        step="filling",
        building=1,
        heads={"DogSchool": ids_of(alias)[-1]},
        started_at=ago(60),
        worker=uuid4(),
    )


def asked(client, url):
    """Return the page, and what it has asked of all databases."""
    # What is the same for all pages of a process is remembered.
    client.get(url)
    captured = [CaptureQueriesContext(connections[alias]) for alias in ALIASES]
    for each in captured:
        each.__enter__()
    page = client.get(url)
    for each in captured:
        each.__exit__(None, None, None)
    assert page.status_code == 200
    statements = [query["sql"] for each in captured for query in each]
    return page, [sql for sql in statements if not NO_QUERY.match(sql)]


@pytest.mark.parametrize(
    "url",
    [SYSTEMS, follower_page("Board"), order_url("Board", "skip"), order_url("Board", "rebuild")],
)
@pytest.mark.parametrize("kind", ["", "shadow", "in place"])
def test_pages_of_a_follower_take_few_queries(manager, alias, url, kind):
    if kind:
        left(alias, kind)

    page, statements = asked(logged_in(manager), url)

    assert "Board" in text(page)
    assert len(statements) <= MOST, "\n".join(statements)


@pytest.mark.parametrize("kind", ["shadow", "in place"])
def test_a_request_that_has_failed_takes_few_queries(manager, alias, kind):
    RebuildRequest.objects.using(alias).create(
        projection=left(alias, kind),
        kind=kind,
        requested_at=ago(30),
        lease_owner=worker_in(alias, heartbeat=60.0),
        lease_expires_at=ago(20),
        error="ValueError: bad",
    )

    for url in (follower_page("Board"), order_url("Board", "rebuild")):
        page, statements = asked(logged_in(manager), url)

        assert "has failed: ValueError: bad" in text(page)
        assert len(statements) <= MOST, "\n".join(statements)


def test_several_upstreams_take_few_queries(manager, alias, settings):
    configure(settings, alias, "wide_system")
    board = get_system().get(VersionedBoard)
    board.follow("Kennel", get_system().get("Kennel").notification_log)
    at(alias, 0, "Board", "Kennel")
    left(alias, "in place")

    for url in (follower_page("Board"), order_url("Board", "skip"), order_url("Board", "rebuild")):
        _page, statements = asked(logged_in(manager), url)

        assert len(statements) <= MOST, "\n".join(statements)


def test_a_reset_with_its_plan_takes_few_queries(manager, alias, settings):
    configure(settings, alias, SYSTEM="tests.django.admin.kennel.system")
    url = f"{order_url('Tally', 'reset')}?upstream=Kennel&to=0"

    page, statements = asked(logged_in(manager), url)

    assert "nothing is changed" in text(page)
    assert len(statements) <= MOST, "\n".join(statements)


def test_lists_of_logs_and_positions_take_as_many_queries_for_more_applications(
    manager, alias, settings
):
    counts = []
    for system in ("board_system", "wide_system"):
        configure(settings, alias, system)
        counts.append([len(asked(logged_in(manager), url)[1]) for url in (LOGS, POSITIONS)])

    assert counts[0] == counts[1]
    assert max(counts[0]) <= MOST
