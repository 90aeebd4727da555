"""Read models of a school: what is projected, and what others keep beside it."""

from django.contrib.auth.models import Group
from django.db import models


class Trick(models.Model):
    """A trick: a table of mixed case, with constraints and indexes of all kinds."""

    name = models.CharField(max_length=50, unique=True)
    level = models.PositiveIntegerField(default=0, db_index=True)
    price = models.IntegerField(db_default=7)
    easier = models.ForeignKey("self", models.SET_NULL, null=True, related_name="harder")
    group = models.ForeignKey(Group, models.CASCADE, null=True)

    class Meta:
        db_table = "Read_Tricks"
        indexes = [
            models.Index(fields=["level", "-price"], name="trick_level_price"),
            models.Index(fields=["price"], name="trick_dear", condition=models.Q(price__gt=100)),
        ]
        constraints = [
            models.UniqueConstraint(fields=["group", "level"], name="trick_group_level"),
            models.UniqueConstraint(
                fields=["price"], name="trick_dearest", condition=models.Q(price__gt=1000)
            ),
            models.CheckConstraint(condition=models.Q(price__gte=0), name="trick_price"),
        ]

    def __str__(self):
        return self.name


class HardTrick(Trick):
    """A proxy of a projected model."""

    class Meta:
        proxy = True


class Dog(models.Model):
    """A dog, with its tricks."""

    name = models.CharField(max_length=50)
    tricks = models.ManyToManyField(Trick, related_name="dogs")
    best = models.OneToOneField(Trick, models.SET_NULL, null=True, related_name="champion")

    def __str__(self):
        return self.name


class Puppy(Dog):
    """A dog whose row lies in two tables."""

    age = models.IntegerField()


class Lesson(models.Model):
    """What is not projected, and refers to what is."""

    trick = models.ForeignKey(Trick, models.CASCADE)
    dog = models.ForeignKey(Dog, models.CASCADE, null=True)

    def __str__(self):
        return f"{self.trick_id}"


class Foreign(models.Model):
    """A table of somebody else's."""

    class Meta:
        managed = False

    def __str__(self):
        return "foreign"
