"""What is read of the permit office: a row for each case, and one for whoever works on them."""

from django.db import models

from django_eventsourcing.fields import ExactCharField

__all__ = ["CaseRow", "ResourceLoad"]


class CaseRow(models.Model):
    """A case as the list shows it; written by ``CaseBoard`` alone."""

    aggregate_id = models.UUIDField(primary_key=True)
    case_id = ExactCharField(max_length=255)
    channel = models.CharField(max_length=255)
    department = models.CharField(max_length=255)
    responsible = models.CharField(max_length=255)
    started = models.DateTimeField()
    deadline = models.DateTimeField(null=True)
    state = models.CharField(max_length=255, default="")
    """The activity completed last; empty before the first."""
    state_since = models.DateTimeField(null=True)
    """When that was completed."""
    activities = models.PositiveIntegerField(default=0)
    open_days = models.IntegerField(default=0)
    """Whole days from the start to the activity completed last."""
    is_late = models.BooleanField(default=False)
    """Whether something was completed after the deadline."""

    class Meta:
        ordering = ("-started", "case_id")
        indexes = (
            models.Index(fields=["state", "-started"], name="permits_case_state"),
            models.Index(fields=["responsible", "-started"], name="permits_case_responsible"),
            models.Index(fields=["-started", "case_id"], name="permits_case_started"),
        )

    def __str__(self) -> str:
        return self.case_id


class ResourceLoad(models.Model):
    """How much somebody has done; written by ``CaseBoard`` alone."""

    resource = ExactCharField(max_length=255, primary_key=True)
    activities = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-activities", "resource")

    def __str__(self) -> str:
        return f"{self.resource}: {self.activities}"
