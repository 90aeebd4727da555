"""Shadow tables on MariaDB: several statements, which can be gone on with."""

import pytest
from django.db import connections

from django_eventsourcing.projections.tables import (
    OrphanedRowsError,
    ShadowTables,
    ShadowTablesError,
    SwapDelayedError,
    SwapRefusedError,
)
from tests.databases import on
from tests.django.projections.tables.rows import MODELS, fill, names, structure
from tests.django.read_models.models import Lesson, Trick

pytestmark = on("mariadb")


class InterruptedSwapError(Exception):
    """The process is no more."""


def interrupt(tables, at):
    """Let the connection fail at a statement that changes something; return what was run."""
    run = tables._aside.run
    ran = []

    def count(sql, params=None):
        if sql.startswith(("ALTER", "RENAME", "DROP")):
            if len(ran) == at:
                raise InterruptedSwapError(sql)
            ran.append(sql)
        return run(sql, params)

    tables._aside.run = count
    return ran


def test_wherever_it_is_interrupted_it_can_be_gone_on_with(database, tables, live):
    before = structure(database)
    # Before: the first note, a name taken back, the new name of a key, and tables dropped.
    for at in [1, 3, 5, 15, 21]:
        tables.create()
        with tables.in_use():
            fill(database, "sit", "beg")
        dying = ShadowTables(MODELS, database)
        ran = interrupt(dying, at)

        with pytest.raises(InterruptedSwapError):
            dying.swap()
        assert len(names(database)) == 2
        tables.swap()

        assert structure(database) == before, ran


def test_until_then_no_others_are_made(database, tables, live):
    tables.create()
    dying = ShadowTables(MODELS, database)
    interrupt(dying, 1)
    with pytest.raises(InterruptedSwapError):
        dying.swap()

    with pytest.raises(ShadowTablesError) as raised:
        tables.create(anew=True)

    assert str(raised.value) == (
        "A swap of Read_Tricks, read_models_dog, read_models_dog_tricks was interrupted. Swap "
        "again: that brings it to its end."
    )
    tables.swap()
    tables.create(anew=True)


def test_a_row_that_comes_in_between_is_told_of_and_does_not_get_lost(database, tables, live):
    tables.create()

    with pytest.raises(OrphanedRowsError) as raised:
        tables.swap(lambda: Lesson.objects.using(database).create(trick_id=live.best_id))

    assert str(raised.value) == (
        "The tables have been swapped, but a foreign key refers to the old one still: rows of "
        "other tables refer to rows which the new ones do not have: 1 in `read_models_lesson` "
        "(trick_id), to Read_Tricks. Delete those rows or point them elsewhere, then swap again; "
        "or let the projection give the same keys as before."
    )
    Lesson.objects.using(database).all().delete()
    tables.swap()
    assert names(database) == []


def test_triggers_are_not_lost(database, tables):
    with connections[database].cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER watch BEFORE INSERT ON `Read_Tricks` FOR EACH ROW SET NEW.level = 1"
        )
        try:
            with pytest.raises(SwapRefusedError) as raised:
                tables.create()
        finally:
            cursor.execute("DROP TRIGGER watch")

    assert str(raised.value) == (
        "A swap would lose: trigger watch of Read_Tricks. Drop it and make it again after the "
        "swap, or rebuild in place."
    )
    assert not tables.exist()


def test_a_long_reader_is_waited_for_with_patience(database, tables, live):
    tables.create()
    other = connections[database].copy()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM `Read_Tricks`")

        with pytest.raises(SwapDelayedError) as raised:
            tables.swap(patience=0)
        assert names(database) == ["sit", "beg"]
        cursor.execute("ROLLBACK")
    other.close()

    assert str(raised.value).startswith("Others have kept Read_Tricks, ")
    tables.swap()
    assert not Trick.objects.using(database).exists()


def test_time_to_wait_is_left_as_it_was(database, tables):
    def timeout():
        with connections[database].cursor() as cursor:
            cursor.execute("SELECT @@SESSION.lock_wait_timeout, @@SESSION.foreign_key_checks")
            return cursor.fetchone()

    before = timeout()
    tables.create()
    tables.swap()

    assert timeout() == before
