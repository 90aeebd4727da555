"""Many small questions are asked of a database in one statement."""

from django.db import models
from django.test.utils import isolate_apps

from django_eventsourcing.at_once import Counted, read_at_once
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
