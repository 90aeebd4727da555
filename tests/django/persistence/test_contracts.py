"""The contracts, kept in each database, in the tables that applications share."""

import pytest
from django.db import connections

from django_eventsourcing.recorders import DjangoTrackingRecorder
from eventsourcing.conformance import (
    AggregateRecorderContract,
    ApplicationRecorderContract,
    InfrastructureFactoryContract,
    OtherProcessContract,
    ProcessRecorderContract,
    RecorderContract,
    TrackingRecorderContract,
)


class OnConnections(RecorderContract):
    """Has threads close the connections that they have opened."""

    def release(self):
        connections.close_all()


class TestDjangoAggregateRecorder(OnConnections, AggregateRecorderContract):
    @pytest.fixture
    def recorder(self, factory):
        return factory.aggregate_recorder(purpose="snapshots")


class TestDjangoApplicationRecorder(OnConnections, ApplicationRecorderContract):
    @pytest.fixture
    def recorder(self, application_recorder):
        return application_recorder


class TestDjangoTrackingRecorder(OnConnections, TrackingRecorderContract):
    @pytest.fixture
    def recorder(self, database):
        return DjangoTrackingRecorder("Counters", alias=database)


class TestDjangoProcessRecorder(OnConnections, ProcessRecorderContract):
    @pytest.fixture
    def recorder(self, process_recorder):
        return process_recorder


class TestDjangoOtherProcess(OnConnections, OtherProcessContract):
    @pytest.fixture
    def recorder(self, process_recorder):
        return process_recorder

    @pytest.fixture
    def other_recorder(self, factory):
        return factory.process_recorder()


class TestDjangoFactory(InfrastructureFactoryContract):
    pass
