"""Operating models: who runs which follower, how it is doing, and what it has set aside."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_eventsourcing.fields import ExactCharField, UTCDateTimeField
from django_eventsourcing.wording import Words

__all__ = [
    "DeadLetterRecord",
    "FollowerRecord",
    "FollowerStatistic",
    "ProjectionRecord",
    "RebuildRequest",
    "WorkerRecord",
]


class WorkerRecord(models.Model):
    """A process that runs followers; its row is kept fresh by a heartbeat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    system_alias = ExactCharField(max_length=255)
    name = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    pid = models.BigIntegerField()
    pid_space = models.CharField(max_length=255, blank=True, default="")
    """Equal for workers that can tell by the pid whether the other is alive."""
    version = models.CharField(max_length=64)
    followers = models.JSONField(default=list, blank=True)
    """The names of the followers that it may run."""
    wake_up = models.CharField(max_length=32, default="polling")
    """How it hears of commits elsewhere: ``listening``, ``polling``, or ``listening lost``."""
    started_at = UTCDateTimeField()
    heartbeat_at = UTCDateTimeField()
    """By the clock of the database, as all times that workers compare."""

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> Words:
        """Its name, and where it runs."""
        return Words.gettext(
            "%(name)s (%(host)s, process %(pid)d)", name=self.name, host=self.host, pid=self.pid
        )


class FollowerRecord(models.Model):
    """What a follower is told to do, what it does, and which worker holds it."""

    class DesiredState(models.TextChoices):
        """What operators want of the follower."""

        RUNNING = "running", _("running")
        PAUSED = "paused", _("paused")

    id = models.BigAutoField(primary_key=True)
    application_name = ExactCharField(max_length=255, unique=True)
    desired_state = models.CharField(
        max_length=16, choices=DesiredState.choices, default=DesiredState.RUNNING
    )
    desired_reason = models.TextField(blank=True, default="")
    """Why it was paused, and by whom."""
    state = models.CharField(max_length=32, blank=True, default="")
    """What the worker that holds it said last: a value of ``runners.State``."""
    lease_owner = models.UUIDField(null=True, blank=True)
    """The id of the worker that holds the follower."""
    lease_epoch = models.BigIntegerField(default=0)
    """How many times the lease has changed hands."""
    lease_expires_at = UTCDateTimeField(null=True, blank=True)
    upstream_name = ExactCharField(max_length=255, blank=True, default="")
    """Whose notification has failed, as long as it has not been processed."""
    notification_id = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    failed_at = UTCDateTimeField(null=True, blank=True)
    retry_requested_at = UTCDateTimeField(null=True, blank=True)
    """When an operator last asked for another try at once."""
    updated_at = UTCDateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("follower")
        verbose_name_plural = _("followers")

    def __str__(self) -> str:
        return self.application_name


class FollowerStatistic(models.Model):
    """What workers have processed of a follower, or segment, in one minute."""

    id = models.BigAutoField(primary_key=True)
    application_name = ExactCharField(max_length=255)
    """The follower's name, or that of a segment."""
    minute = UTCDateTimeField()
    """When the minute began, by the clock of the database."""
    processed = models.BigIntegerField(default=0)
    """How many notifications were processed."""
    passed = models.BigIntegerField(default=0)
    """By how many ids the positions went on: also by those of others in the same table."""
    seconds = models.FloatField(default=0.0)
    """For how long there was something to process, all workers together."""

    class Meta:
        default_permissions = ()
        verbose_name = _("statistic")
        verbose_name_plural = _("statistics")
        constraints = [
            # Read, and deleted, by the time.
            models.UniqueConstraint(
                fields=["minute", "application_name"],
                name="django_eventsourcing_statistic_minute",
            )
        ]

    def __str__(self) -> str:
        return f"{self.application_name}: {self.processed} in the minute of {self.minute}"


class DeadLetterRecord(models.Model):
    """A notification that a follower has set aside, because it, or one before it, has failed."""

    class Status(models.TextChoices):
        """What has become of the notification."""

        PARKED = "parked", _("parked")
        SKIPPED = "skipped", _("skipped")
        PROCESSED = "processed", _("processed")
        DISCARDED = "discarded", _("discarded")

    id = models.BigAutoField(primary_key=True)
    application_name = ExactCharField(max_length=255)
    """The follower's name."""
    upstream_name = ExactCharField(max_length=255)
    notification_id = models.BigIntegerField()
    originator_id = ExactCharField(max_length=255)
    """The aggregate's id as text, whatever kind it is of."""
    originator_version = models.BigIntegerField()
    topic = ExactCharField(max_length=1024)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PARKED)
    is_behind = models.BooleanField(default=False)
    """Whether it has not been tried, but waits for an earlier one of the same aggregate."""
    error = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    parked_at = UTCDateTimeField(default=timezone.now)
    resolved_at = UTCDateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    """Why it was skipped or discarded, and by whom."""

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        constraints = [
            models.UniqueConstraint(
                fields=["application_name", "upstream_name", "notification_id"],
                name="django_eventsourcing_deadletter_notification",
            )
        ]
        indexes = [
            # What waits at all; and what waits of one aggregate, asked for with every batch.
            models.Index(
                fields=["application_name", "status", "upstream_name", "notification_id"],
                name="django_even_deadletter_order",
            ),
            models.Index(
                fields=["application_name", "status", "originator_id", "notification_id"],
                name="django_even_deadletter_stream",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_name}: {self.upstream_name} {self.notification_id}"


class ProjectionRecord(models.Model):
    """By which version of a projection its rows are made, and how they are being made again."""

    class Kind(models.TextChoices):
        """How rows are made again."""

        IN_PLACE = "in place", _("in place")
        SHADOW = "shadow", _("by shadow")

    class Step(models.TextChoices):
        """How far a rebuild has come, that is under way or was ended before it was done."""

        BEGUN = "begun", _("begun")
        """What there was is as it was."""
        FILLING = "filling", _("filling")
        """The tables are emptied, or made, and positions say how far they are filled."""
        SWAPPING = "swapping", _("swapping")
        """The tables are being swapped, where that is not one transaction with the positions."""

    id = models.BigAutoField(primary_key=True)
    application_name = ExactCharField(max_length=255, unique=True)
    version = models.PositiveBigIntegerField(null=True, blank=True)
    """The version of the projection by which the rows in use are made."""
    rate = models.FloatField(null=True, blank=True)
    """How many notifications a second the last rebuild has processed."""
    kind = models.CharField(max_length=16, choices=Kind.choices, blank=True, default="")
    """That of the rebuild under way; empty if none is."""
    step = models.CharField(max_length=16, choices=Step.choices, blank=True, default="")
    building = models.PositiveBigIntegerField(null=True, blank=True)
    """The version whose rows are being made."""
    heads = models.JSONField(default=dict, blank=True)
    """The head of each upstream when the rebuild was begun, by its name."""
    positions = models.JSONField(default=dict, blank=True)
    """The positions that are out of force while tables are swapped, by upstream and segment."""
    started_at = UTCDateTimeField(null=True, blank=True)
    started_by = models.CharField(max_length=255, blank=True, default="")
    worker = models.UUIDField(null=True, blank=True)
    """The id of the worker that does it, or has done it last."""
    updated_at = UTCDateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("projection")
        verbose_name_plural = _("projections")

    def __str__(self) -> str:
        return self.application_name


class RebuildRequest(models.Model):
    """A rebuild that somebody has asked for; it is gone when the rebuild is done."""

    id = models.BigAutoField(primary_key=True)
    projection = models.OneToOneField(
        ProjectionRecord, on_delete=models.CASCADE, related_name="request"
    )
    kind = models.CharField(max_length=16, choices=ProjectionRecord.Kind.choices)
    requested_at = UTCDateTimeField()
    requested_by = models.CharField(max_length=255, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    lease_owner = models.UUIDField(null=True, blank=True)
    """The ``run_system`` that has taken it, and has another process do it."""
    lease_expires_at = UTCDateTimeField(null=True, blank=True)
    taken_by = models.CharField(max_length=255, blank=True, default="")
    """The name of that worker, for people."""
    worker = models.UUIDField(null=True, blank=True)
    """The id of the worker that does the rebuild, as ``ProjectionRecord`` has it."""
    error = models.TextField(blank=True, default="")
    """Why it cannot be done, or not to its end; it is not taken any more."""

    class Meta:
        default_permissions = ()
        verbose_name = _("request for a rebuild")

    def __str__(self) -> str:
        return f"{self.projection}: {self.kind}"
