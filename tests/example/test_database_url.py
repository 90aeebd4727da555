"""What the example project makes of DATABASE_URL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from example_project import database_url
from example_project.database_url import database_of

ROOT = Path(__file__).resolve().parents[2]


def test_sqlite_is_set_up_for_several_processes() -> None:
    database = database_of("sqlite:////tmp/demo.sqlite3")

    assert database["NAME"] == "/tmp/demo.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("foo", "foo"),
        ("oracle://me:secret@host/name", "oracle://…@host/name"),
        ("mysql://me:secret@host:port/name", "mysql://…@host:port/name"),
    ],
)
def test_a_url_that_is_none(url: str, shown: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        database_of(url)

    assert str(caught.value) == (
        f"DATABASE_URL is {shown!r}, which is not the URL of a database that the example runs on.  "
        f"HINT: Write it like one of these: sqlite:////tmp/demo.sqlite3, "
        f"postgresql://USER@HOST/NAME, mysql://USER@HOST/NAME."
    )


@pytest.mark.parametrize(
    ("url", "database", "driver", "extra"),
    [
        ("postgresql://me@host/name", "PostgreSQL", "psycopg", "postgres"),
        ("mysql://me@host/name", "MariaDB or MySQL", "mysqlclient", "mysql"),
    ],
)
def test_a_driver_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, url: str, database: str, driver: str, extra: str
) -> None:
    monkeypatch.setattr(database_url, "find_spec", lambda name: None)

    with pytest.raises(ImproperlyConfigured) as caught:
        database_of(url)

    assert str(caught.value) == (
        f"DATABASE_URL asks for {database}, but the driver, {driver}, is not installed.  "
        f"HINT: {sys.executable} -m pip install 'django-eventsourcing[{extra}]'"
    )


def test_a_url_that_is_none_is_told_in_one_line() -> None:
    done = manage("prepare", "foo")

    (line,) = done.stderr.splitlines()
    assert line.startswith("ImproperlyConfigured: DATABASE_URL is 'foo', which is not the URL of")
    assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/demo.sqlite3", "postgresql://me@127.0.0.1:1/nothing-listens"]
)
def test_a_database_that_cannot_be_reached_is_told_in_one_line(url: str) -> None:
    done = manage("prepare", url)

    (line,) = done.stderr.splitlines()
    assert line.startswith("DatabaseNotReadyError: Database 'default' (")
    assert "cannot be reached: " in line
    assert line.endswith(" It comes from DATABASE_URL.")
    assert (done.returncode, done.stdout) == (1, "")


def test_prepare_makes_the_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'demo.sqlite3'}"

    done = manage("prepare", url)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert manage("migrate", url, "--check").returncode == 0


def manage(command: str, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", command, *options],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "example_project.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
