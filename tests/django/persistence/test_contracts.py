"""The contracts, kept in each database."""

import pytest

from django_eventsourcing.recorders import DjangoTrackingRecorder
from tests.contracts.aggregate_recorder import AggregateRecorderContract
from tests.contracts.application_recorder import ApplicationRecorderContract
from tests.contracts.factory import InfrastructureFactoryContract
from tests.contracts.process_recorder import ProcessRecorderContract
from tests.contracts.tracking_recorder import TrackingRecorderContract


class TestDjangoAggregateRecorder(AggregateRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.aggregate_recorder(purpose="snapshots")


class TestDjangoApplicationRecorder(ApplicationRecorderContract):
    @pytest.fixture
    def recorder(self, application_recorder):
        return application_recorder


class TestDjangoTrackingRecorder(TrackingRecorderContract):
    @pytest.fixture
    def recorder(self, database):
        return DjangoTrackingRecorder("Counters", alias=database)


class TestDjangoProcessRecorder(ProcessRecorderContract):
    @pytest.fixture
    def recorder(self, process_recorder):
        return process_recorder


class TestDjangoFactory(InfrastructureFactoryContract):
    pass
