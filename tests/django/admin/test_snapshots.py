"""Snapshots are listed and read like events."""

import pytest

from django_eventsourcing import get_application
from django_eventsourcing.models import SnapshotRecord
from tests.django.admin.kennel import Kennel
from tests.django.admin.pages import SNAPSHOTS, ids, text


def test_snapshots_are_listed(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.take_snapshot(dog_id)

    shown = text(client.get(SNAPSHOTS))

    assert f"Kennel Dog {dog_id} 2" in shown


def test_aggregate_is_known_under_compression(client, settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "ENV": {"COMPRESSOR_TOPIC": "zlib"},
        }
    }
    kennel = get_application(Kennel)
    dog_id = kennel.register("Rex")
    kennel.take_snapshot(dog_id)

    assert f"Kennel Dog {dog_id} 1" in text(client.get(SNAPSHOTS))


@pytest.mark.parametrize("values", [{"state": b"{"}, {"application_name": "Forgotten"}])
def test_aggregate_of_a_snapshot_that_cannot_be_read_is_a_dash(client, kennel, values):
    dog_id = kennel.register("Rex")
    kennel.take_snapshot(dog_id)
    SnapshotRecord.objects.update(**values)

    assert f" - {dog_id} 1" in text(client.get(SNAPSHOTS))


def test_there_is_no_filter_by_class(client):
    assert 'name="topic"' not in client.get(SNAPSHOTS).content.decode()


def test_snapshot_is_shown_with_its_state(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.take_snapshot(dog_id)

    shown = text(client.get(f"{SNAPSHOTS}{SnapshotRecord.objects.get().pk}/change/"))

    assert (
        f"Aggregate Dog Topic eventsourcing.domain:Aggregate.Snapshot Originator ID {dog_id}"
        in shown
    )
    assert '"name": "Rex"' in shown


def test_snapshots_are_filtered_by_application(client, kennel):
    kennel.take_snapshot(kennel.register("Rex"))

    assert len(ids(client.get(SNAPSHOTS, {"application": "Kennel"}))) == 1
    assert len(ids(client.get(SNAPSHOTS, {"application": "Tally"}))) == 0
