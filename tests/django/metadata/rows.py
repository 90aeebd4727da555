"""Rows of the event table, by their application."""

from django_eventsourcing.models import StoredEventRecord

__all__ = ["ids_of", "metadata_of"]


def metadata_of(database, application_name="DogSchool"):
    """Return the metadata of the application's events, in their order."""
    events = StoredEventRecord.objects.using(database).of(application_name)
    return list(events.order_by("id").values_list("metadata", flat=True))


def ids_of(database, application_name="DogSchool"):
    events = StoredEventRecord.objects.using(database).of(application_name)
    return list(events.order_by("id").values_list("id", flat=True))
