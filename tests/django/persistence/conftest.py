"""Fixtures of the tests of persistence: factories and recorders on each database."""

import pytest

from django_eventsourcing.factory import DjangoFactory
from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoProcessRecorder
from eventsourcing.environment import Environment


@pytest.fixture
def factory(database) -> DjangoFactory:
    return DjangoFactory(Environment("Counters", {"DJANGO_DB_ALIAS": database}))


@pytest.fixture
def application_recorder(factory) -> DjangoApplicationRecorder:
    return factory.application_recorder()


@pytest.fixture
def process_recorder(factory) -> DjangoProcessRecorder:
    return factory.process_recorder()
