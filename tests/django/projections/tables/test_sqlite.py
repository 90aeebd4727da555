"""Shadow tables on SQLite: what names a table that goes and comes back in one transaction."""

import pytest
from django.db import connections

from django_eventsourcing.projections.tables import SwapRefusedError
from tests.databases import on
from tests.django.projections.tables.rows import fill, names, structure
from tests.django.read_models.models import Dog, Lesson, Trick

pytestmark = on("default")


@pytest.fixture
def run(database):
    """Return what executes a statement and returns its rows."""

    def execute(sql):
        with connections[database].cursor() as cursor:
            return cursor.execute(sql).fetchall()

    return execute


def test_views_and_triggers_of_other_tables_are_as_before(database, tables, live, run):
    run('CREATE VIEW seen AS SELECT name FROM "Read_Tricks"')
    run("CREATE VIEW seen_again AS SELECT name FROM seen")
    run(
        "CREATE TRIGGER learn AFTER INSERT ON read_models_lesson BEGIN "
        'UPDATE "Read_Tricks" SET price = price + 1 WHERE id = NEW.trick_id; END'
    )
    look = "SELECT name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') ORDER BY name"
    try:
        before = run(look)
        tables.create()
        with tables.in_use():
            fill(database, "roll over")
        tables.swap()

        assert run(look) == before
        assert run("SELECT * FROM seen_again") == [("roll over",)]
        trick = Trick.objects.using(database).get()
        Lesson.objects.using(database).create(trick=trick)
        trick.refresh_from_db()
        assert trick.price == 8
    finally:
        for sql in ["TRIGGER learn", "VIEW seen_again", "VIEW seen"]:
            run(f"DROP {sql}")


def test_a_trigger_of_a_table_is_not_lost(tables, run):
    run("CREATE TRIGGER watch AFTER INSERT ON read_models_dog BEGIN SELECT 1; END")
    try:
        with pytest.raises(SwapRefusedError) as raised:
            tables.create()
    finally:
        run("DROP TRIGGER watch")

    assert str(raised.value) == (
        "A swap would lose: trigger watch of read_models_dog. Drop it and make it again after the "
        "swap, or rebuild in place."
    )


def test_an_index_that_was_made_by_hand_is_made_again(database, tables, run):
    run("CREATE INDEX by_hand ON read_models_dog (lower(name))")
    try:
        before = structure(database)
        tables.create()
        tables.swap()

        assert structure(database) == before
    finally:
        run("DROP INDEX by_hand")


def test_a_column_that_the_model_does_not_have_is_not_lost(tables, run):
    run("ALTER TABLE read_models_dog ADD COLUMN extra integer")
    try:
        with pytest.raises(SwapRefusedError) as raised:
            tables.create()
    finally:
        run("ALTER TABLE read_models_dog DROP COLUMN extra")

    assert str(raised.value) == (
        "The tables in use are not what the models say: column extra of read_models_dog is not in "
        "the model. Migrate, or bring model and table together, so that a swap changes rows alone."
    )


def test_foreign_keys_are_checked_as_before(database, tables, run):
    before = run("PRAGMA foreign_keys"), run("PRAGMA legacy_alter_table")
    tables.create()
    tables.swap()

    assert (run("PRAGMA foreign_keys"), run("PRAGMA legacy_alter_table")) == before
    assert run("PRAGMA foreign_key_check") == []


def test_ids_of_rows_that_are_gone_are_not_given_again(database, tables, live, run):
    tables.create()
    with tables.in_use():
        gone = Dog.objects.using(database).create(name="gone").pk
        Dog.objects.using(database).all().delete()
    tables.swap()

    assert Dog.objects.using(database).create(name="new").pk > gone
    assert not [name for (name,) in run("SELECT name FROM sqlite_sequence") if "__" in name]
    assert names(database) == []
