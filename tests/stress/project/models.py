"""What followers have done: one row for each run of a policy, and nothing that hides a second."""

from django.db import models


class Effect(models.Model):
    """A notification that a follower has processed, written in the transaction of its position."""

    follower = models.CharField(max_length=64)
    upstream = models.CharField(max_length=64)
    notification_id = models.BigIntegerField()
    originator_id = models.CharField(max_length=32)
    originator_version = models.BigIntegerField()
    pid = models.BigIntegerField()
    at = models.FloatField()
    """When the policy ran, by this host's clock: for figures, not for order."""

    class Meta:
        app_label = "stress"

    def __str__(self) -> str:
        return f"{self.follower}: {self.upstream} {self.notification_id}"


class Balance(models.Model):
    """A row of the business's own, which requests change beside the events that they record."""

    account = models.CharField(max_length=32, unique=True)
    entries = models.BigIntegerField(default=0)

    class Meta:
        app_label = "stress"

    def __str__(self) -> str:
        return f"{self.account}: {self.entries}"
