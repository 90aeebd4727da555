"""Snapshots are listed and read like events."""

import re

from django_eventsourcing.models import SnapshotRecord
from tests.django.admin.pages import SNAPSHOTS, ids, text


def test_snapshots_are_listed(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.take_snapshot(dog_id)

    shown = text(client.get(SNAPSHOTS))

    assert re.search(rf"Kennel \S*Snapshot {dog_id} 2", shown)


def test_snapshot_is_shown_with_its_state(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.take_snapshot(dog_id)

    shown = text(client.get(f"{SNAPSHOTS}{SnapshotRecord.objects.get().pk}/change/"))

    assert '"name": "Rex"' in shown


def test_snapshots_are_filtered_by_application(client, kennel):
    kennel.take_snapshot(kennel.register("Rex"))

    assert len(ids(client.get(SNAPSHOTS, {"application": "Kennel"}))) == 1
    assert len(ids(client.get(SNAPSHOTS, {"application": "Tally"}))) == 0
