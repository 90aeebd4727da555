"""The model without a table that gives the dashboard its place in the admin, and permissions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["MANAGE", "OPERATE", "SEE_PAYLOADS", "MonitoredSystem"]

SEE_PAYLOADS = "view_payloads"
"""The codename of the permission to see what events say, rather than that there are such events."""
OPERATE = "operate_followers"
"""The codename of the permission to pause and resume followers, and to let them try again."""
MANAGE = "manage_followers"
"""The codename of the permission to do what leaves events out, or makes rows again."""


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
        permissions = [
            (SEE_PAYLOADS, "Can see payloads"),
            (OPERATE, "Can operate followers"),
            (MANAGE, "Can manage followers"),
        ]
        verbose_name = _("system")
        verbose_name_plural = _("systems")

    def __str__(self) -> str:
        return self.name
