"""What the tests of rebuilds share: events, rows, and what the rows ought to be."""

from collections import Counter

from django_eventsourcing import get_system
from django_eventsourcing.models import ProjectionRecord, TrackingRecord
from tests.core.school import Dog
from tests.django.own_models.models import TrickCount
from tests.django.projections.rebuilt import DogSchool
from tests.django.schools import teach

TRICKS = ["sit", "beg", "sit", "roll over", "sit"]


def add_tricks(*tricks):
    """Record the events of a dog: one more than there are tricks."""
    return teach(get_system().get(DogSchool), tricks or TRICKS)


def rows(database):
    """Return what the table holds."""
    return dict(TrickCount.objects.using(database).values_list("trick", "count"))


def computed(times=1):
    """Return what the table ought to hold, from the log itself."""
    school = get_system().get(DogSchool)
    tricks: Counter[str] = Counter()
    start = 0
    while found := school.recorder.select_notifications(start, 1000, inclusive_of_start=False):
        events = (school.mapper.to_domain_event(each) for each in found)
        tricks.update(e.trick for e in events if isinstance(e, Dog.TrickAdded))
        start = found[-1].id
    return {trick: count * times for trick, count in tricks.items()}


def spoil(database):
    """Change rows by hand."""
    counts = TrickCount.objects.using(database)
    counts.filter(trick="sit").update(count=99)
    counts.create(trick="fly", count=1)


def positions(database, follower="Board"):
    """Return the positions in force, and others that go by such a name."""
    found = TrackingRecord.objects.using(database).in_force().like(follower)
    return dict(found.values_list("application_name", "notification_id"))


def record_of(database, follower="Board"):
    """Return what is on record of the projection."""
    return ProjectionRecord.objects.using(database).get(application_name=follower)
