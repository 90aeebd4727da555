"""The contracts, kept in tables of an application's own, with UUIDs and with ids that are text."""

from uuid import uuid4

import pytest
from django.db import connections

from django_eventsourcing.factory import DjangoFactory
from eventsourcing.conformance import (
    AggregateRecorderContract,
    ApplicationRecorderContract,
    ProcessRecorderContract,
    RecorderContract,
)
from eventsourcing.environment import Environment
from tests.django.own_models.models import (
    DogEvent,
    DogTracking,
    LetterEvent,
    LetterSnapshot,
)

pytestmark = pytest.mark.long_elsewhere("postgres")


@pytest.fixture
def factory(database):
    return DjangoFactory(
        Environment(
            "Kennel",
            {
                "DJANGO_DB_ALIAS": database,
                "DJANGO_EVENT_MODEL": "own_models.DogEvent",
                "DJANGO_TRACKING_MODEL": "own_models.DogTracking",
                "KENNEL_DJANGO_SNAPSHOT_MODEL": "own_models.DogSnapshot",
            },
        )
    )


@pytest.fixture
def letter_factory(database):
    return DjangoFactory(
        Environment(
            "PostOffice",
            {
                "DJANGO_DB_ALIAS": database,
                "DJANGO_EVENT_MODEL": "own_models.LetterEvent",
                "DJANGO_SNAPSHOT_MODEL": "own_models.LetterSnapshot",
            },
        )
    )


class Own(RecorderContract):
    """Has threads close the connections that they have opened."""

    def release(self):
        connections.close_all()


class Letters(Own):
    """Gives originators ids that are text, as awkward as a database may find it."""

    def new_id(self):
        return f"Brief Nr. {uuid4()}/Ä'\"%s "


class TestDogs(Own, ProcessRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        recorder = factory.process_recorder()
        assert (recorder.model, recorder.tracking_model) == (DogEvent, DogTracking)
        return recorder


class TestLetters(Letters, ApplicationRecorderContract):
    @pytest.fixture
    def recorder(self, letter_factory):
        recorder = letter_factory.application_recorder()
        assert recorder.model is LetterEvent
        return recorder


class TestLetterSnapshots(Letters, AggregateRecorderContract):
    @pytest.fixture
    def recorder(self, letter_factory):
        recorder = letter_factory.aggregate_recorder("snapshots")
        assert recorder.model is LetterSnapshot
        return recorder
