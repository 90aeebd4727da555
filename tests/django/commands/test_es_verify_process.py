"""``es_verify`` beside ``run_system`` and writers; and one that is killed, or told to stop."""

import signal

import pytest

from django_eventsourcing import get_system
from django_eventsourcing.projections.tables import ShadowTables
from tests.databases import on
from tests.django.commands.calls import call
from tests.django.commands.processes import Manage, manage
from tests.django.commands.test_es_rebuild import configured
from tests.django.commands.test_es_rebuild_process import Writer, env
from tests.django.commands.test_es_verify import tables_of
from tests.django.own_models.models import TrickCount
from tests.django.projections.rebuilds import add_tricks, computed, rows
from tests.django.runners.test_segments import run_once
from tests.waiting import wait_until

pytestmark = pytest.mark.faults

__all__ = ["configured", "env"]


@pytest.mark.long_elsewhere("default")
def test_it_works_beside_workers_and_writers(configured, database, env):
    setting = configured()
    add_tricks()
    with Manage("run_system", eventsourcing=setting, env=env):
        wait_until(lambda: rows(database) == computed(), "processed", 60)
        with Writer():
            for _ in range(3):
                code, text = manage(
                    "es_verify", "Board", "--only=rows", eventsourcing=setting, env=env
                )
                assert code == 0, text
                assert "all as the events say" in text

        wait_until(lambda: rows(database) == computed(), "all of it", 60)


# On SQLite, the second one waits for its turn to write until the first one is done.
@on("postgres", "mariadb")
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGKILL, marks=pytest.mark.long_elsewhere("mariadb")),
        pytest.param(signal.SIGTERM, marks=pytest.mark.long_elsewhere("postgres")),
    ],
)
def test_what_is_left_of_one_that_is_ended(configured, database, env, number):
    setting = configured(BATCH_SIZE=1)
    for _ in range(20):
        add_tricks()
    run_once(get_system())
    before, tables = tables_of(database), ShadowTables([TrickCount], database, purpose="scratch")
    slow = {**env, "TEST_BOARD_SECONDS": "0.1"}

    with Manage("es_verify", "Board", "--only=rows", eventsourcing=setting, env=slow) as process:
        wait_until(tables.exist, "tables that are filled", 60)
        code, text = call("es_verify", "Board", "--only=rows")
        assert (code, "Board is being verified by es_verify (" in text) == (1, True), text
        process.send(number)
        assert process.wait() == (1 if number == signal.SIGTERM else -number)

    assert tables.exist() is (number == signal.SIGKILL)
    code, text = call("es_verify", "Board", "--only=rows")
    assert code == 0, text
    assert tables_of(database) == before
