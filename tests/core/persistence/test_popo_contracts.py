"""The contracts, kept in memory."""

import pytest

from eventsourcing.conformance import (
    AggregateRecorderContract,
    ApplicationRecorderContract,
    InfrastructureFactoryContract,
    ProcessRecorderContract,
    TrackingRecorderContract,
)
from eventsourcing.environment import Environment
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.popo import POPOFactory


@pytest.fixture
def factory() -> InfrastructureFactory:
    return POPOFactory(Environment("Counters"))


class TestPOPOAggregateRecorder(AggregateRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.aggregate_recorder()


class TestPOPOApplicationRecorder(ApplicationRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.application_recorder()


class TestPOPOTrackingRecorder(TrackingRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.tracking_recorder()


class TestPOPOProcessRecorder(ProcessRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.process_recorder()


class TestPOPOFactory(InfrastructureFactoryContract):
    pass
