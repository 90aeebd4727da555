"""A rebuild by shadow under load: who reads the rows meanwhile sees no error, and misses none."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections, models
from django.test.utils import isolate_apps

from django_eventsourcing import get_system, registry
from example_project.permits.application import PermitCases
from example_project.permits.board import CaseBoard
from example_project.permits.domain import Activity, CaseDetails, PermitCase
from example_project.permits.event_log import Row
from example_project.permits.models import CaseRow
from tests.databases import on
from tests.django.commands.processes import Manage
from tests.example.case_boards import expected_rows, record_all, rows_of
from tests.stress.figures import Figures
from tests.stress.forms import forms
from tests.stress.readers import Reader, Writer
from tests.waiting import wait_until

ACTIVITIES = 9
"""How many a case has: ten events, with the one that opens it."""
REBUILD = ("es_rebuild", "CaseBoard", "--shadow", "--noinput")
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def setting(settings: Any, database: str) -> Iterator[dict[str, Any]]:
    """Return the setting of a system that keeps the board in the database."""
    settings.DATABASE_ROUTERS = [router_of(database)]
    settings.EVENTSOURCING = {
        "default": {
            "PIPES": [
                [
                    "example_project.permits.application.PermitCases",
                    "example_project.permits.board.CaseBoard",
                ]
            ],
            "DATABASE": database,
            "OPTIONS": {"POLL_INTERVAL": 0.05, "BATCH_SIZE": 500},
        }
    }
    yield settings.EVENTSOURCING
    registry.reset()


@pytest.fixture
def notes(database: str) -> Iterator[type[models.Model]]:
    """Return a model of somebody else's, whose rows refer to those of cases."""
    with isolate_apps("example_project.permits"):

        class CaseNote(models.Model):
            case = models.ForeignKey(CaseRow, models.CASCADE, related_name="+")

            class Meta:
                app_label = "permits"

            def __str__(self) -> str:
                return str(self.case_id)

    with connections[database].schema_editor() as editor:
        editor.create_model(CaseNote)
    yield CaseNote
    with connections[database].schema_editor() as editor:
        editor.delete_model(CaseNote)


@pytest.fixture
def atomic_requests(database: str) -> Iterator[None]:
    """Let each request be a transaction."""
    settings_dict = connections[database].settings_dict
    settings_dict["ATOMIC_REQUESTS"] = True
    yield
    settings_dict["ATOMIC_REQUESTS"] = False


@pytest.fixture
def rebuild_beside_readers(
    setting: dict[str, Any],
    notes: Any,
    database: str,
    figures: Figures,
    tell: Callable[[str], None],
) -> Callable[[int], None]:
    """Return the scenario, which is given the number of events."""
    return partial(_rebuild_beside_readers, setting, notes, database, figures, tell)


@forms(events=(2_000, 200_000))
def test_a_shadow_rebuild_beside_readers_and_writers(
    rebuild_beside_readers: Callable[[int], None], events: int
) -> None:
    rebuild_beside_readers(events)


# On SQLite, such requests would be writers: one after the other, they leave the others no turn.
@on("postgres", "mariadb")
@forms(events=(2_000, 200_000))
def test_a_shadow_rebuild_beside_requests_that_are_transactions(
    atomic_requests: None, rebuild_beside_readers: Callable[[int], None], events: int
) -> None:
    rebuild_beside_readers(events)


def _rebuild_beside_readers(
    setting: dict[str, Any],
    notes: Any,
    database: str,
    figures: Figures,
    tell: Callable[[str], None],
    events: int,
) -> None:
    figures.database = "sqlite" if database == "default" else database
    env = {"TEST_ROUTERS": f'["{router_of(database)}"]'}
    rows = file_rows("old", events // (ACTIVITIES + 1))
    record_all(get_system().get(PermitCases), rows)
    shown, remarks = CaseRow.objects.using(database), notes.objects.using(database)
    first = PermitCase.create_id(rows[0].case.case_id)
    reader = Reader()

    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(is_caught_up, "processed", 600)
        tell(f"{events:,} events are processed")
        remarks.create(case_id=first)
        shown.update(state="by hand")
        before = reader.look()
        with Writer(file_rows("new", 5_000)) as writer:
            begun = time.monotonic()
            with Manage(*REBUILD, eventsourcing=setting, env=env) as command:
                while command.is_running():
                    reader.look()
                seconds = time.monotonic() - begun
                assert command.wait() == 0, command.output
                tell(command.output.splitlines()[-1])
            meanwhile = len(reader.looks) - 1
            at_the_swap = len(writer.recorded)
            while len(writer.recorded) < at_the_swap + 20 and writer.is_alive():
                reader.look()
        begun = time.monotonic()
        wait_until(is_caught_up, f"what is new\n{runner.output}", 60)
        late = time.monotonic() - begun
        reader.look()

    wanted = expected_rows([*rows, *writer.recorded])
    figures.record("events", events)
    figures.record("events_meanwhile", len(writer.recorded) + len(wanted) - before.cases)
    figures.record("rebuild", seconds)
    figures.record("reads_meanwhile", meanwhile)
    figures.record("slowest_read", reader.slowest)
    figures.record("errors", len(reader.errors))
    figures.record("new_ones_after", late)
    assert reader.errors == []
    assert reader.losses == []
    assert (before.cases, before.listed) == (len(rows) // ACTIVITIES, 25)
    assert meanwhile > 5
    assert len(writer.recorded) >= at_the_swap + 20
    assert rows_of(database) == wanted
    if figures.is_long:
        assert late < 5
    require_foreign_key(remarks, first)


def require_foreign_key(notes: Any, known: Any) -> None:
    """Require that what refers to rows is there, and that no more can refer to rows that are not."""
    assert notes.get().case.aggregate_id == known
    with pytest.raises(IntegrityError):
        notes.create(case_id=uuid4())
    notes.create(case_id=known)
    assert notes.count() == 2


def is_caught_up() -> bool:
    """Tell whether the board has come to the end of the log."""
    system = get_system()
    last: int | None = system.get(PermitCases).recorder.max_notification_id()
    return system.get(CaseBoard).recorder.max_tracking_id("PermitCases") == last


def router_of(database: str) -> str:
    return f"tests.django.commands.routers.To{database.capitalize()}"


def file_rows(name: str, number: int) -> list[Row]:
    """Return the activities of this many cases in the order of time, as a file would have them."""
    rows = [
        Row(
            line=0,
            case=CaseDetails(
                case_id=f"{name}-{case}",
                channel="Internet",
                department="General",
                group="",
                responsible=f"Resource{case % 7}",
                started=FIRST + timedelta(hours=case),
                deadline=FIRST + timedelta(hours=case + 40),
            ),
            activity=Activity(
                name=f"Step {step}",
                instance=f"{case}-{step}",
                resource=f"Resource{(case + step) % 7}",
                group="",
                completed_at=FIRST + timedelta(hours=case + 7 * step),
            ),
        )
        for case in range(number)
        for step in range(ACTIVITIES)
    ]
    return sorted(rows, key=lambda row: row.activity.completed_at)
