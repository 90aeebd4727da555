"""The catalogue holds the event classes that code defines, and that stored topics can name."""

from django_eventsourcing.catalogue import EventClass, event_classes
from eventsourcing.domain import Aggregate, CanSnapshotAggregate
from tests.django.admin import kennel


def test_event_classes_are_found_with_their_topics():
    found = [cls for cls in event_classes() if cls.module == kennel.__name__]

    assert (
        EventClass(
            module="tests.django.admin.kennel",
            name="Dog.TrickAdded",
            topic="tests.django.admin.kennel:Dog.TrickAdded",
        )
        in found
    )


def test_classes_in_functions_are_not_found():
    class Local(Aggregate.Event):
        pass

    assert "Local" not in " ".join(cls.name for cls in event_classes())


def test_snapshots_are_no_events():
    assert CanSnapshotAggregate.__subclasses__()

    assert not [cls.name for cls in event_classes() if cls.name.endswith("Snapshot")]
