"""By which columns rows are told apart, and which are compared."""

# ruff: noqa: DJ001, DJ008

import uuid

import pytest
from django.contrib.auth.models import Group
from django.db import models
from django.test.utils import isolate_apps

from django_eventsourcing.verifying.columns import columns_of
from tests.django.own_models.models import TrickCount
from tests.django.read_models.models import Dog, Trick


@pytest.fixture(autouse=True)
def _isolated():
    with isolate_apps("tests.django.read_models"):
        yield


def parts(model, *others, ignored=()):
    columns = columns_of(model, [model, *others], ignored)
    return columns.order, columns.key, columns.values, columns.left_out


def test_a_key_that_follows_from_events_tells_rows_apart():
    assert parts(TrickCount) == (("trick",), ("trick",), ("count",), ())


def test_a_unique_column_does_where_keys_are_drawn_from_a_sequence():
    assert parts(Trick) == (
        ("name",),
        ("name",),
        ("level", "price", "easier__name", "group_id"),
        ("id",),
    )


def test_whole_rows_are_compared_where_nothing_tells_them_apart():
    assert parts(Dog, Trick) == (("id",), (), ("name", "best__name"), ("id",))


def test_a_row_is_followed_by_what_can_be_compared_of_it():
    through = Dog.tricks.through

    assert parts(through, Dog, Trick) == (("id",), (), ("dog__name", "trick__name"), ("id",))


def test_keys_of_tables_that_are_not_projected_are_compared_as_they_are():
    assert parts(Dog) == (("id",), (), ("name", "best_id"), ("id",))


def test_random_keys_are_others_in_each_replay():
    class Badge(models.Model):
        id = models.UUIDField(primary_key=True, default=uuid.uuid4)
        dog = models.CharField(max_length=9)
        year = models.IntegerField()

        class Meta:
            app_label = "read_models"
            constraints = [models.UniqueConstraint(fields=["dog", "year"], name="badge_year")]

    assert parts(Badge) == (("dog", "year"), ("dog", "year"), (), ("id",))


def test_a_constraint_that_rows_may_escape_tells_none_apart():
    class Badge(models.Model):
        code = models.CharField(max_length=9, unique=True, null=True)
        year = models.IntegerField()

        class Meta:
            app_label = "read_models"
            constraints = [
                models.UniqueConstraint(
                    fields=["year"], name="badge_year", condition=models.Q(year__gt=2000)
                )
            ]

    assert parts(Badge) == (("id",), (), ("code", "year"), ("id",))


def test_times_of_writing_are_left_out_and_so_is_what_is_ignored():
    class Note(models.Model):
        text = models.CharField(max_length=9, primary_key=True)
        made_at = models.DateTimeField(auto_now_add=True)
        changed_at = models.DateTimeField(auto_now=True)
        mood = models.CharField(max_length=9)
        group = models.ForeignKey(Group, models.CASCADE)

        class Meta:
            app_label = "read_models"

    assert parts(Note, ignored=["read_models.Note.mood"]) == (
        ("text",),
        ("text",),
        ("group_id",),
        ("made_at", "changed_at", "mood"),
    )


def test_a_key_that_refers_to_a_row_with_a_key_of_its_own():
    class Kennel(models.Model):
        city = models.CharField(max_length=9, unique=True)

        class Meta:
            app_label = "read_models"

    class Place(models.Model):
        kennel = models.OneToOneField(Kennel, models.CASCADE, primary_key=True)
        size = models.IntegerField()

        class Meta:
            app_label = "read_models"

    assert parts(Place, Kennel) == (("kennel_id",), ("kennel__city",), ("size",), ())


def test_tables_that_refer_to_each_other_in_a_circle():
    class Hen(models.Model):
        egg = models.OneToOneField("read_models.Egg", models.CASCADE)
        name = models.CharField(max_length=9)

        class Meta:
            app_label = "read_models"

    class Egg(models.Model):
        hen = models.OneToOneField(Hen, models.CASCADE)

        class Meta:
            app_label = "read_models"

    assert parts(Hen, Egg) == (("id",), (), ("name",), ("id", "egg"))
    assert parts(Egg, Hen) == (("id",), (), ("hen__name",), ("id",))
