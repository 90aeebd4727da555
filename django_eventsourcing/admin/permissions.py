"""Permissions: who may see what events say, and who may tell followers what to do."""

from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.http import HttpRequest

from django_eventsourcing.models import MonitoredSystem
from django_eventsourcing.monitored_system import MANAGE, OPERATE, SEE_PAYLOADS

__all__ = ["may_manage", "may_operate", "may_see_payloads", "may_view"]


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    """Tell whether the user has the permission to view the model's records."""
    return request.user.has_perm(
        f"{model._meta.app_label}.{get_permission_codename('view', model._meta)}"
    )


def may_see_payloads(request: HttpRequest) -> bool:
    """Tell whether the user may see what events say, rather than that there are such events."""
    return _has(request, SEE_PAYLOADS)


def may_operate(request: HttpRequest) -> bool:
    """Tell whether the user may pause followers, let them go on, and let them try again."""
    return may_view(request, MonitoredSystem) and _has(request, OPERATE)


def may_manage(request: HttpRequest) -> bool:
    """Tell whether the user may do what leaves events out, or makes rows again."""
    return may_view(request, MonitoredSystem) and _has(request, MANAGE)


def _has(request: HttpRequest, codename: str) -> bool:
    return request.user.has_perm(f"{MonitoredSystem._meta.app_label}.{codename}")
