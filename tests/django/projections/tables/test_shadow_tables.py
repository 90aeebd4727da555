"""Shadow tables: made like those in use, filled by the ORM, and put in their place."""

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connections, models, transaction
from django.db.models import Exists, F, OuterRef
from django.test.utils import isolate_apps

from django_eventsourcing.projections.tables import (
    LeftoverTablesError,
    MissingTablesError,
    OrphanedRowsError,
    ShadowTables,
    ShadowTablesError,
)
from django_eventsourcing.projections.tables.naming import beside
from tests.django.projections.tables.rows import MODELS, fill, names, structure
from tests.django.read_models.models import Dog, Foreign, HardTrick, Lesson, Puppy, Trick


def test_the_orm_fills_them_while_the_others_serve(database, tables, live):
    tables.create()

    with tables.in_use():
        dog = fill(database, "roll over", "stay", "jump")
        seen = (
            names(database),
            dog.tricks.filter(easier__name="stay").get().name,
            [each.name for each in Dog.objects.using(database).prefetch_related("tricks")],
            Trick.objects.using(database).select_related("easier").get(name="jump").easier.name,
            Trick.objects.using(database).get(name="jump").champion.name,
            HardTrick.objects.using(database).filter(dogs=dog).count(),
            Trick.objects.using(database).get(name="stay").price,
        )

    assert seen == (["roll over", "stay", "jump"], "jump", ["Rex"], "stay", "Rex", 3, 7)
    assert names(database) == ["sit", "beg"]
    assert live.tricks.count() == 2


def test_a_swap_puts_them_in_place_with_everything_as_it_was(database, tables, live):
    before = structure(database)
    tables.create()
    with tables.in_use():
        fill(database, "sit", "beg", "roll over")

    tables.swap()

    assert structure(database) == before
    assert names(database) == ["sit", "beg", "roll over"]
    assert not tables.exist()
    fill(database, "next")
    assert names(database)[-1] == "next"


def test_what_refers_to_the_tables_refers_to_the_new_ones_after_a_swap(database, tables, live):
    Lesson.objects.using(database).create(trick_id=live.best_id, dog=live)
    copy_into(tables, live.best_id, live.pk)

    tables.swap()

    Lesson.objects.using(database).create(trick_id=live.best_id, dog_id=live.pk)
    with pytest.raises(IntegrityError):
        Lesson.objects.using(database).create(trick_id=live.best_id + 1000)
    with pytest.raises(IntegrityError):
        Trick.objects.using(database).create(name="none", level=99, easier_id=live.best_id + 1000)
    with pytest.raises(IntegrityError):
        Trick.objects.using(database).filter(pk=live.best_id)._raw_delete(database)


def copy_into(tables, trick_id, dog_id):
    """Make the tables, with a trick and a dog of the same ids as in use."""
    tables.create()
    with tables.in_use():
        Trick.objects.using(tables.alias).create(id=trick_id, name="beg")
        Dog.objects.using(tables.alias).create(id=dog_id, name="Rex", best_id=trick_id)


def test_the_next_id_is_free_though_rows_were_given_theirs(database, tables, live):
    copy_into(tables, live.best_id + 50, live.pk + 50)

    tables.swap()

    assert Trick.objects.using(database).create(name="x", level=9).pk > live.best_id + 50
    assert Dog.objects.using(database).create(name="Fido").pk > live.pk + 50


def test_constraints_hold_while_they_are_filled(database, tables, live):
    tables.create()

    with tables.in_use():
        with pytest.raises(IntegrityError):
            Trick.objects.using(database).create(name="x", easier_id=live.best_id)
        with pytest.raises(IntegrityError):
            Trick.objects.using(database).create(name="x", price=-1)
        Trick.objects.using(database).create(name="x")
        with pytest.raises(IntegrityError):
            Trick.objects.using(database).create(name="x")


def test_rows_that_would_refer_to_nothing_are_in_the_way_of_a_swap(database, tables, live):
    for dog in [None, live]:
        Lesson.objects.using(database).create(trick_id=live.best_id, dog=dog)
    before = structure(database)
    tables.create()
    with tables.in_use():
        fill(database)

    with pytest.raises(OrphanedRowsError) as raised:
        tables.swap()

    told = str(raised.value)
    keys = sorted(map(str, tables.foreign_keys()))
    assert told.startswith(
        "The tables have not been swapped: rows of other tables refer to rows which the new ones do "
        "not have: "
    )
    assert "2 in " in told
    assert "to Read_Tricks" in told
    assert all(key in told for key in keys if "trick" in key)
    assert told.endswith(
        "Delete those rows or point them elsewhere, then swap again; or let the projection give "
        "the same keys as before."
    )
    assert names(database) == ["sit", "beg"]
    tables.drop()
    assert structure(database) == before


def test_foreign_keys_from_elsewhere(database, tables):
    found = {
        (key.table.strip('"`').split(".")[-1].strip('"`'), *key.columns, key.target)
        for key in tables.foreign_keys()
    }

    assert found == {
        ("read_models_lesson", "trick_id", "Read_Tricks"),
        ("read_models_lesson", "dog_id", "read_models_dog"),
        ("read_models_puppy", "dog_ptr_id", "read_models_dog"),
    }


def test_what_goes_with_a_swap_goes_with_it_or_not_at_all(database, tables, live):
    tables.create()
    with tables.in_use():
        fill(database, "roll over")

    def fail():
        Group.objects.using(database).create(name="also")
        raise ValueError("not now")

    if connections[database].vendor == "mysql":
        with pytest.raises(ValueError, match="not now"):
            tables.swap(fail)
        assert names(database) == ["roll over"]
    else:
        with pytest.raises(ValueError, match="not now"):
            tables.swap(fail)
        assert names(database) == ["sit", "beg"]
        assert not Group.objects.using(database).filter(name="also").exists()

    tables.swap(lambda: Group.objects.using(database).create(name="at last"))

    assert names(database) == ["roll over"]
    assert Group.objects.using(database).filter(name="at last").exists()


def test_leftovers_are_told_of_and_dropped_on_demand(database, tables):
    tables.create()
    with tables.in_use():
        Trick.objects.using(database).create(name="old")

    with pytest.raises(LeftoverTablesError) as raised:
        tables.create()

    assert str(raised.value) == (
        "There are shadow tables already, of Read_Tricks, read_models_dog, read_models_dog_tricks: "
        "another process fills them, or one has not come to its end. Go on with them, or drop them "
        "first."
    )
    tables.create(anew=True)
    with tables.in_use():
        assert not Trick.objects.using(database).exists()


def test_they_are_there_for_who_goes_on_with_them(database, tables):
    assert not tables.exist()
    tables.create()
    with tables.in_use():
        Trick.objects.using(database).create(name="kept")

    again = ShadowTables(MODELS, database)

    assert again.exist()
    with again.in_use():
        assert names(database) == ["kept"]


def test_tables_for_two_purposes_are_side_by_side(database, tables):
    scratch = ShadowTables(MODELS, database, purpose="scratch")
    tables.create()
    scratch.create()
    for each in [tables, scratch]:
        with each.in_use():
            Trick.objects.using(database).create(name=each.purpose)

    with tables.in_use():
        assert names(database) == ["shadow"]
    scratch.drop()
    assert not scratch.exist()
    assert tables.exist()


def test_what_is_not_there_can_neither_be_used_nor_swapped(database, tables):
    told = (
        "There are no shadow tables of Read_Tricks, read_models_dog, read_models_dog_tricks. Make "
        "them with `create(anew=True)`, and fill them."
    )

    with pytest.raises(MissingTablesError) as raised, tables.in_use():
        pass
    assert str(raised.value) == told
    with pytest.raises(MissingTablesError) as raised:
        tables.swap()
    assert str(raised.value) == told


def test_whatever_is_raised_models_are_left_as_they_were(database, tables, live):
    tables.create()
    before = [model._meta.db_table for model in tables.models]

    def fail():
        assert names(database) == []
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"), tables.in_use():
        fail()

    assert [model._meta.db_table for model in tables.models] == before
    assert names(database) == ["sit", "beg"]
    assert Trick.objects.using(database).filter(level=F("level")).count() == 2
    assert connections[database].execute_wrappers == []


def test_they_are_used_once_at_a_time(database, tables):
    tables.create()

    with tables.in_use():
        with pytest.raises(ShadowTablesError) as raised, tables.in_use():
            pass
        assert names(database) == []

    assert str(raised.value) == (
        "Shadow tables are in use already in this process. One at a time: leave `in_use()` before "
        "you enter it again, or take another process."
    )


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE {} SET level = 5",
        "DELETE FROM {}",
        "INSERT INTO {} (name) VALUES ('x')",
        "SELECT * FROM auth_group g JOIN {} t ON g.id = t.group_id",
    ],
)
def test_statements_that_name_a_table_in_use_are_refused(database, tables, live, sql):
    tables.create()
    quoted = connections[database].ops.quote_name("Read_Tricks")
    statement = sql.format(quoted)

    with (
        tables.in_use(),
        pytest.raises(ShadowTablesError) as raised,
        connections[database].cursor() as cursor,
    ):
        cursor.execute(statement)

    assert str(raised.value) == (
        "A statement names the table Read_Tricks, which is in use, while the shadow tables are to "
        f"be filled: {statement}. Take the name from the model: "
        "`connection.ops.quote_name(Model._meta.db_table)`."
    )
    assert names(database) == ["sit", "beg"]


def test_sql_that_takes_the_name_from_the_model_goes_to_the_shadow(database, tables, live):
    tables.create()

    with tables.in_use(), connections[database].cursor() as cursor:
        Trick.objects.using(database).create(name="roll over")
        cursor.execute(
            f"SELECT name FROM {connections[database].ops.quote_name(Trick._meta.db_table)}"
        )
        assert cursor.fetchall() in ([("roll over",)], (("roll over",),))


def test_what_the_orm_has_for_writers(database, tables, live):
    tables.create()
    tricks = Trick.objects.using(database)

    with tables.in_use(), transaction.atomic(using=database):
        tricks.bulk_create([Trick(name=name, level=i) for i, name in enumerate("abc")])
        update = {"update_fields": ["level"]}
        if connections[database].features.supports_update_conflicts_with_target:
            update["unique_fields"] = ["name"]
        tricks.bulk_create([Trick(name="a", level=8)], update_conflicts=True, **update)
        tricks.filter(name="b").update(level=F("level") + 3)
        first = tricks.select_for_update().get(name="c")
        if connections[database].features.has_select_for_update_of:
            tricks.select_for_update(of=("self",)).select_related("easier").get(name="c")
        first.easier = tricks.get(name="a")
        first.save()
        tricks.update_or_create(name="d", defaults={"level": 6})
        tricks.filter(name="a").delete()
        found = dict(tricks.values_list("name", "level"))
        counted = tricks.filter(Exists(Dog.objects.filter(best=OuterRef("pk")))).count()

    assert found == {"b": 4, "c": 2, "d": 6}
    assert counted == 0
    assert names(database) == ["sit", "beg"]


def test_a_swap_is_not_part_of_another_transaction(database, tables):
    tables.create()

    with transaction.atomic(using=database), pytest.raises(ShadowTablesError) as raised:
        tables.swap()

    assert str(raised.value) == (
        f"Database '{database}' is in a transaction: tables are swapped in one of their own. End "
        "it first, and give what belongs to the swap as `also`."
    )


class Abstract(models.Model):
    class Meta:
        abstract = True
        app_label = "read_models"


IS_A_PROXY = "is a proxy: name the model that has the table"
IS_ABSTRACT = "is abstract: name the model that has the table"
IS_FOREIGN = "is not managed: its table is not Django's to make. Make it managed, or leave it out"
LIES_IN_TWO = (
    "inherits from read_models.Dog by a table of its own, and its rows lie in both. Join them by a "
    "OneToOneField, or derive both from an abstract model"
)


@pytest.mark.parametrize(
    ("model", "told"),
    [(HardTrick, IS_A_PROXY), (Abstract, IS_ABSTRACT), (Foreign, IS_FOREIGN), (Puppy, LIES_IN_TWO)],
)
def test_models_without_a_table_of_their_own(model, told):
    with pytest.raises(ShadowTablesError) as raised:
        ShadowTables([model])

    assert str(raised.value) == (
        f"{model._meta.label} cannot be filled beside its table: it {told}."
    )


@isolate_apps("tests.django.read_models")
def test_a_name_that_is_quoted():
    class Elsewhere(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "read_models"
            db_table = '"other"."dog"'

    with pytest.raises(ShadowTablesError) as raised:
        ShadowTables([Elsewhere])

    assert str(raised.value) == (
        "read_models.Elsewhere cannot be filled beside its table: it has a quoted db_table, "
        '"other"."dog": give the name alone.'
    )


@isolate_apps("tests.django.read_models")
def test_a_model_whose_table_is_missing(database):
    class Later(models.Model):  # noqa: DJ008
        class Meta:
            app_label = "read_models"

    with pytest.raises(ShadowTablesError) as raised:
        ShadowTables([Later], database).create()

    assert str(raised.value).startswith(f"Database '{database}' has no table read_models_later")
    assert f"Run `manage.py migrate --database {database}`" in str(raised.value)


def test_a_database_of_another_kind(monkeypatch):
    monkeypatch.setattr(connections["default"], "vendor", "oracle")

    with pytest.raises(ShadowTablesError) as raised:
        ShadowTables(MODELS)

    assert str(raised.value) == (
        "Database 'default' is oracle: shadow tables can be made in PostgreSQL, MariaDB, MySQL and "
        "SQLite. Rebuild in place instead."
    )


def test_no_models():
    with pytest.raises(ShadowTablesError) as raised:
        ShadowTables([])

    assert str(raised.value) == (
        "There are no models to make tables for. Name them in the projection's `models`."
    )


@pytest.mark.parametrize("name", ["x" * 60, "x" * 61])
def test_names_that_are_too_long_are_cut_and_told_apart(name):
    found = beside(name, "shadow", 64)

    assert len(found) <= 64
    assert found.endswith("__shadow")
    assert found != beside(name + "y", "shadow", 64)
