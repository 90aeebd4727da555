"""Models of a project's own: for dogs with UUIDs, for letters with text ids, and for a view."""

from django.db import models

from django_eventsourcing.fields import ExactCharField
from django_eventsourcing.models import AbstractSnapshot, AbstractStoredEvent, AbstractTracking


class DogEvent(AbstractStoredEvent):
    """An event of a dog."""


class DogSnapshot(AbstractSnapshot):
    """A snapshot of a dog."""


class DogTracking(AbstractTracking):
    """A position of whoever follows the dogs."""


class LetterEvent(AbstractStoredEvent):
    """An event of an aggregate whose id is text."""

    originator_id = ExactCharField(max_length=255)


class LetterSnapshot(AbstractSnapshot):
    """A snapshot of an aggregate whose id is text."""

    originator_id = ExactCharField(max_length=255)


class UnorderedEvent(AbstractStoredEvent):
    """An event whose migration has forgotten the commit order."""


class TrickCount(models.Model):
    """How often dogs have been taught a trick: a view."""

    trick = ExactCharField(max_length=100, primary_key=True)
    count = models.PositiveIntegerField(default=0)

    def __str__(self):
        return f"{self.trick}: {self.count}"
