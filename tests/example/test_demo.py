"""The command `demo`: from the sample to checked counts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from django_eventsourcing import get_application, registry
from example_project.permits.application import CaseStatistics, PermitCases
from example_project.settings import EVENTSOURCING
from example_project.training.application import Counters
from tests.example.conftest import WriteRows, task

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def system(settings: Any) -> None:
    settings.EVENTSOURCING = EVENTSOURCING


@pytest.fixture(scope="module")
def recorded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[sqlite3.Connection]:
    """Return a copy of the database in which the demo has been run once."""
    with (
        django_db_blocker.unblock(),
        override_settings(EVENTSOURCING=EVENTSOURCING),
        closing(sqlite3.connect(":memory:")) as copy,
    ):
        demo()
        connection.connection.backup(copy)
        registry.reset()
        call_command("flush", interactive=False, verbosity=0)
        yield copy


@pytest.fixture
def demonstrated(recorded: sqlite3.Connection) -> None:
    """Have the database as it is after the demo, without running it once more."""
    connection.ensure_connection()
    recorded.backup(connection.connection)


@pytest.fixture
def another_log(demonstrated: None, write_rows: WriteRows) -> None:
    """Import a case with an activity of the kinds of the demo's file, and one of another."""
    path = write_rows(
        task(1, **{"concept:name": "Confirm receipt"}), task(2, **{"concept:name": "Cheer"})
    )
    call_command("import_cases", path, stdout=StringIO())


def demo() -> str:
    out = StringIO()
    call_command("demo", stdout=out, no_color=True)
    return out.getvalue()


def test_the_demo_records_counts_and_says_what_is_next() -> None:
    text = demo()

    assert ["Register", "application", "60", "60"] in [line.split() for line in text.splitlines()]
    assert ["roll", "over", "3"] in [line.split() for line in text.splitlines()]
    for command in ("createsuperuser", "runserver", "run_system"):
        assert f" manage.py {command}" in text
    assert "http://127.0.0.1:8000/admin/" in text
    assert "Every count is that of the file." in text
    assert get_application(CaseStatistics).get_count("Register application") == 60


@pytest.mark.usefixtures("demonstrated")
def test_the_demo_may_be_run_again() -> None:
    last = get_application(PermitCases).recorder.max_notification_id()

    text = demo()

    assert "dog school: has dogs already" in text
    assert get_application(PermitCases).recorder.max_notification_id() == last
    assert get_application(Counters).get_counts()["roll over"] == 3


@pytest.mark.usefixtures("demonstrated")
def test_counts_that_differ_from_the_file_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = CaseStatistics.get_count
    monkeypatch.setattr(
        CaseStatistics,
        "get_count",
        lambda self, name: counted(self, name) - (name == "Register application"),
    )

    with pytest.raises(CommandError) as caught:
        demo()

    assert str(caught.value) == (
        "The counts differ from the events. "
        "Register application: 60 in the file, 0 elsewhere, 59 counted"
    )


@pytest.mark.usefixtures("another_log")
def test_what_else_the_log_has_is_counted_beside_the_file() -> None:
    text = demo()

    lines = [line.split() for line in text.splitlines()]
    assert "The log has activities from elsewhere too, such as another import: 2. " in text
    assert ["Confirm", "receipt", "60", "1", "61"] in lines
    assert ["Register", "application", "60", "0", "60"] in lines
    assert "Every count is that of the file and of what else the log has." in text


@pytest.mark.usefixtures("another_log")
def test_counts_that_differ_from_file_and_log_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = CaseStatistics.get_count
    monkeypatch.setattr(
        CaseStatistics,
        "get_count",
        lambda self, name: counted(self, name) - (name == "Confirm receipt"),
    )

    with pytest.raises(CommandError) as caught:
        demo()

    assert str(caught.value) == (
        "The counts differ from the events. "
        "Confirm receipt: 60 in the file, 1 elsewhere, 60 counted"
    )
