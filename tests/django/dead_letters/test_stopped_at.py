"""Where a follower has stopped: the notification that it is to process next."""

from django_eventsourcing.dead_letters import next_notification, stopped_at
from django_eventsourcing.models import TrackingRecord
from django_eventsourcing.segments import Segment
from tests.core.school import DogSchool


def test_it_is_the_first_that_is_left(configured, database, teach):
    system = configured()
    teach(system, "sit")
    first, second = system.get(DogSchool).recorder.select_notifications(None, 10)
    TrackingRecord.objects.using(database).create(
        application_name="Clerk", upstream_name="DogSchool", notification_id=first.id
    )

    assert stopped_at(system, "Clerk") == ("DogSchool", second)


def test_it_is_nothing_where_nothing_is_left(configured):
    assert stopped_at(configured(), "Clerk") is None


def test_of_a_segment_it_is_one_that_the_segment_has(configured, teach):
    system = configured({"Clerk": {"SEGMENTS": 2}})
    ids = [str(teach(system)) for _ in range(12)]

    for name in ("Clerk[1/2]", "Clerk[2/2]"):
        segment = Segment.parse(name)
        own = [dog_id for dog_id in ids if segment.has(dog_id)]
        found = next_notification(system, name, "DogSchool")
        assert str(found.originator_id) == own[0]
