"""The contracts, kept in memory."""

import pytest

from eventsourcing.environment import Environment
from eventsourcing.persistence import InfrastructureFactory
from eventsourcing.popo import POPOFactory
from tests.contracts.aggregate_recorder import AggregateRecorderContract
from tests.contracts.application_recorder import ApplicationRecorderContract
from tests.contracts.factory import InfrastructureFactoryContract
from tests.contracts.process_recorder import ProcessRecorderContract


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


class TestPOPOProcessRecorder(ProcessRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.process_recorder()


class TestPOPOFactory(InfrastructureFactoryContract):
    pass
