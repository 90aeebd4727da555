"""Runners that hold their followers: before, pages need not wait for them."""

from contextlib import contextmanager

from django_eventsourcing import get_system
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.runners import ThreadedRunner
from tests.waiting import wait_until


@contextmanager
def threads(database):
    """Process in threads of this process."""
    with ThreadedRunner(get_system()):
        wait_until_held(database)
        yield


def wait_until_held(database, follower="Board"):
    records = FollowerRecord.objects.using(database).filter(application_name=follower)
    wait_until(records.exclude(lease_owner=None).exists, f"{follower} is held", 60)
