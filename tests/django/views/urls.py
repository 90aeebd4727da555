"""A project's URLs, with those of the app included."""

from django.urls import include, path

urlpatterns = [path("eventsourcing/", include("django_eventsourcing.urls"))]
