"""URLs: ``path("eventsourcing/", include("django_eventsourcing.urls"))``."""

from collections.abc import Callable

from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_eventsourcing import views

__all__ = ["app_name", "urlpatterns"]


def _outside(view: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    # Under ATOMIC_REQUESTS, a database that does not answer would end the request before the view
    # could say so.
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


app_name = "eventsourcing"
urlpatterns = [
    path("health/", _outside(views.health), name="health"),
    path("health/live/", _outside(views.live), name="live"),
    path("metrics/", _outside(views.metrics), name="metrics"),
]
