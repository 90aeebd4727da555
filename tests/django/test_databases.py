"""Databases: whether they are ready, and how they are described."""

import pytest
from django.db import connections

from django_eventsourcing.databases import (
    DatabaseNotReadyError,
    describe,
    labels_of,
    require_ready,
)
from django_eventsourcing.registry import ConfiguredSystem
from example_project.training.application import DogSchool
from tests.core import school


def test_a_migrated_database_is_ready(database):
    require_ready(database)


def test_the_migrations_of_other_apps_can_be_asked_for(database):
    require_ready(database, ["auth"])


def test_a_missing_migration_is_named(monkeypatch, db):
    connection = connections["default"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'django_eventsourcing'")

    with pytest.raises(DatabaseNotReadyError) as caught:
        require_ready()

    text = str(caught.value)
    assert " lacks migrations of: django_eventsourcing (" in text
    assert text.endswith("HINT: Run 'manage.py migrate'.")
    assert "\n" not in text


def test_a_database_is_described_without_its_password(database):
    name = connections[database].settings_dict["NAME"]

    assert describe(database).endswith(str(name))
    assert describe(database).split(" at ")[0] in {"SQLite", "PostgreSQL", "MariaDB", "MySQL"}


def test_the_apps_of_classes_are_found_by_their_modules():
    assert labels_of([DogSchool, school.DogSchool, ConfiguredSystem]) == {
        "training",
        "django_eventsourcing",
    }
