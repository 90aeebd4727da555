"""Due snapshots: one that cannot be read or kept leaves the transaction usable."""

import logging

import pytest
from django.db import connections, transaction

from tests.core.school import Dog, DogSchool


class SnapshottingSchool(DogSchool):
    """Keeps a snapshot of every second version."""

    name = "DogSchool"
    snapshotting_intervals = {Dog: 2}


@pytest.fixture
def school(database):
    return SnapshottingSchool(
        {"PERSISTENCE_MODULE": "django_eventsourcing.factory", "DJANGO_DB_ALIAS": database}
    )


def test_a_read_that_fails_leaves_what_has_been_saved(school, database, monkeypatch, caplog):
    def read_nothing(*args, **kwargs):
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT 1 FROM no_such_table")

    dog = Dog("Fido")
    dog.add_trick("sit")
    dog.add_trick("stay")  # The snapshot of version 2 is read, as the aggregate is further.
    monkeypatch.setattr(school.repository, "get", read_nothing)

    with caplog.at_level(logging.WARNING), transaction.atomic(using=database):
        school.save(dog)
    monkeypatch.undo()

    assert school.get_dog(dog.id)["tricks"] == ("sit", "stay")
    assert "could not keep a snapshot of" in caplog.text
