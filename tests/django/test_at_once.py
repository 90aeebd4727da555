"""Many small questions are asked of a database in one statement."""

import pytest
from django.db import DatabaseError, OperationalError, connections, models
from django.db.models import OuterRef
from django.test.utils import CaptureQueriesContext, isolate_apps

from django_eventsourcing.at_once import Counted, Gathered, let_gather, read_at_once, read_each
from django_eventsourcing.models import NotificationCounter
from django_eventsourcing.reading import ReadTooLongError
from tests.django.read_models.models import Trick


def test_rows_are_counted_up_to_a_limit(database):
    for name in ("sit", "beg", "roll over"):
        Trick.objects.using(database).create(name=name)
    tricks = Trick.objects.using(database)

    found = read_at_once(
        database,
        {
            "all": Counted(tricks.all(), 10),
            "some": Counted(tricks.all(), 2),
            "none": Counted(tricks.filter(name="jump"), 2),
        },
    )

    assert found == {"all": 3, "some": 2, "none": None}


@isolate_apps("tests.django.read_models")
def test_a_model_may_have_a_field_of_any_name(database):
    class OddTrick(models.Model):
        one = models.CharField(max_length=255, db_column="name")

        class Meta:
            app_label = "read_models"
            db_table = Trick._meta.db_table
            managed = False

        def __str__(self):
            return self.one

    Trick.objects.using(database).create(name="sit")

    found = read_at_once(database, {"tricks": Counted(OddTrick.objects.using(database).all(), 2)})

    assert found == {"tricks": 1}


def test_rows_are_gathered_as_one_answer(database):
    for name in ("sit", "beg"):
        Trick.objects.using(database).create(name=name)
    tricks = Trick.objects.order_by("name")

    found = read_at_once(
        database,
        {
            "all": Gathered(tricks, "name", "id"),
            "one": Gathered(tricks.filter(name="sit"), "name"),
            "none": Gathered(tricks.filter(name="jump"), "name"),
        },
    )

    assert sorted(found["all"]) == [[t.name, t.pk] for t in tricks.using(database)]
    assert found["one"] == [["sit"]]
    assert not found["none"]


def test_rows_that_belong_to_another_are_gathered_with_it(database):
    for name in ("sit", "beg"):
        Trick.objects.using(database).create(name=name)
    own = Gathered(Trick.objects.filter(pk=OuterRef("pk")), "name")

    found = Trick.objects.using(database).annotate(own=own).order_by("name")

    assert [trick.own for trick in found] == [[["beg"]], [["sit"]]]


@isolate_apps("tests.django.read_models")
def test_a_question_that_fails_hides_no_other(database):
    class LostTrick(models.Model):
        class Meta:
            app_label = "read_models"
            db_table = "lost_tricks"
            managed = False

        def __str__(self):
            return "lost"

    Trick.objects.using(database).create(name="sit")
    counters = Counted(NotificationCounter.objects.using(database).all(), 2)

    found = read_each(
        database,
        {
            "tricks": Counted(Trick.objects.using(database).all(), 2),
            "lost": Counted(LostTrick.objects.using(database).all(), 2),
            "counters": counters,
        },
    )

    assert found["tricks"] == 1
    assert isinstance(found["lost"], DatabaseError)
    assert "lost_tricks" in str(found["lost"])
    assert not isinstance(found["counters"], DatabaseError)


def test_questions_are_asked_one_by_one_only_if_they_fail(database):
    questions = {n: Counted(Trick.objects.using(database).all(), n) for n in range(1, 5)}

    with CaptureQueriesContext(connections[database]) as captured:
        found = read_each(database, questions)

    assert found == dict.fromkeys(questions)
    assert sum("found.one" in query["sql"] for query in captured) == 1


def test_a_database_that_answers_nothing_is_told_once(database):
    asked = []

    def refuse(execute, sql, params, many, context):
        asked.append(sql)
        raise OperationalError("gone")

    with connections[database].execute_wrapper(refuse), pytest.raises(OperationalError):
        read_each(database, {n: Counted(Trick.objects.all(), n) for n in range(1, 5)})

    assert len([sql for sql in asked if "SAVEPOINT" not in sql.upper()]) <= 2


def test_a_look_that_took_too_long_is_not_repeated(database):
    asked = []

    def refuse(execute, sql, params, many, context):
        asked.append(sql)
        raise ReadTooLongError(database, 10)

    with connections[database].execute_wrapper(refuse), pytest.raises(ReadTooLongError):
        read_each(database, {n: Counted(Trick.objects.all(), n) for n in range(1, 5)})

    assert len([sql for sql in asked if "SAVEPOINT" not in sql.upper()]) <= 1


def test_no_answer_is_cut(database):
    Trick.objects.using(database).bulk_create([Trick(name=f"trick {n:044}") for n in range(200)])
    rows = Gathered(Trick.objects.all(), "name")
    connection = connections[database]
    if connection.vendor == "mysql":
        # So it was before MariaDB 10.2, and so it may be set still.
        connection.cursor().execute("SET SESSION group_concat_max_len = 1024")

    let_gather(database)
    let_gather(database)

    assert len(read_at_once(database, {"tricks": rows})["tricks"]) == 200
