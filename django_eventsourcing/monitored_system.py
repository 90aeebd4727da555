"""The model without a table that gives the dashboard its place in the admin, and permissions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["OPERATE", "MonitoredSystem"]

OPERATE = "operate_followers"
"""The codename of the permission to pause and resume followers, and to let them try again."""


class NoRows(models.Manager["MonitoredSystem"]):
    """Finds nothing, without a query: there is no table to ask, for ``dumpdata`` neither."""

    def get_queryset(self) -> models.QuerySet[MonitoredSystem]:
        return super().get_queryset().none()


class MonitoredSystem(models.Model):
    """A configured system; an object of it stands for one of its followers, by its name."""

    name = models.CharField(max_length=255, primary_key=True)

    objects: ClassVar[models.Manager[Any]] = NoRows()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = [(OPERATE, "Can operate followers")]
        verbose_name = _("system")

    def __str__(self) -> str:
        return self.name
