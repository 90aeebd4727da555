"""Databases: whether they are ready, and how they are described."""

import pytest
from django.db import connections

from django_eventsourcing.databases import (
    DatabaseNotReadyError,
    describe,
    labels_of,
    require_ready,
)
from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.registry import ConfiguredSystem
from example_project.training.application import DogSchool
from tests.core import school
from tests.databases import on
from tests.django.test_checks import Denying


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


def test_a_migration_that_routers_keep_out_is_not_missed(db, settings):
    settings.DATABASE_ROUTERS = [Denying("auth")]
    with connections["default"].cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'auth'")

    require_ready("default", ["auth"])


def test_the_tables_of_models_can_be_asked_for(database):
    require_ready(database, models=[StoredEventRecord, TrackingRecord])


def test_a_missing_table_is_named(database, monkeypatch):
    monkeypatch.setattr(TrackingRecord._meta, "db_table", "nowhere")

    with pytest.raises(DatabaseNotReadyError) as caught:
        require_ready(database, models=[StoredEventRecord, TrackingRecord])

    option = "" if database == "default" else f" --database {database}"
    assert str(caught.value) == (
        f"Database '{database}' ({describe(database)}) lacks the tables nowhere, and has the "
        "migrations that make them.  HINT: If DATABASE_ROUTERS kept them out, let them in; then run "
        f"'manage.py migrate --fake django_eventsourcing zero{option}' and "
        f"'manage.py migrate --fake-initial{option}'."
    )


@on("postgres")
def test_a_table_that_would_lose_events_is_not_ready(database):
    sequence = "ALTER SEQUENCE django_eventsourcing_storedeventrecord_id_seq CACHE"
    with connections[database].cursor() as cursor:
        cursor.execute(f"{sequence} 20")

        with pytest.raises(DatabaseNotReadyError) as caught:
            require_ready(database, models=[StoredEventRecord])
        cursor.execute(f"{sequence} 1")

    assert " has CACHE 20: " in str(caught.value)
    assert str(caught.value).endswith("(django_eventsourcing.E014)")


def test_a_database_is_described_without_its_password(database):
    name = connections[database].settings_dict["NAME"]

    assert describe(database).endswith(str(name))
    assert describe(database).split(" at ")[0] in {"SQLite", "PostgreSQL", "MariaDB", "MySQL"}


def test_the_apps_of_classes_are_found_by_their_modules():
    assert labels_of([DogSchool, school.DogSchool, ConfiguredSystem]) == {
        "training",
        "django_eventsourcing",
    }
