"""Records: many of them at once, as no application would make them."""

from uuid import UUID

from django_eventsourcing.models import StoredEventRecord

__all__ = ["DOG", "make_events"]

DOG = UUID("4a810f6e-0000-4000-8000-00000000d0d0")


def make_events(count, *, using="default", number=lambda n: n, **values):
    """Insert events 1 to ``count``; values may be functions of n."""
    defaults = {
        "application_name": "Kennel",
        "originator_id": DOG,
        "originator_version": lambda n: n,
        "topic": "tests.django.admin.kennel:Dog.TrickAdded",
        "state": b"{}",
    }
    StoredEventRecord.objects.using(using).bulk_create(
        StoredEventRecord(
            id=number(n),
            **{
                name: value(n) if callable(value) else value
                for name, value in (defaults | values).items()
            },
        )
        for n in range(1, count + 1)
    )
