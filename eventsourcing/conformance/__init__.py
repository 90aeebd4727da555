"""
Conformance: what recorders and factories must do, as tests for pytest that any of them can run.

Derive a test class from a contract and give it the fixtures that the contract names. Of all that
the core consists of, this package alone needs pytest.
"""

import pytest

# Failed assertions are explained as those of test modules are.
pytest.register_assert_rewrite(
    "eventsourcing.conformance.aggregate_recorder",
    "eventsourcing.conformance.application_recorder",
    "eventsourcing.conformance.factory",
    "eventsourcing.conformance.other_process",
    "eventsourcing.conformance.process_recorder",
    "eventsourcing.conformance.subscribing",
    "eventsourcing.conformance.tracking_recorder",
    "eventsourcing.conformance.waiting",
)

from eventsourcing.conformance.aggregate_recorder import AggregateRecorderContract  # noqa: E402
from eventsourcing.conformance.application_recorder import (  # noqa: E402
    ApplicationRecorderContract,
    selected,
)
from eventsourcing.conformance.base import RecorderContract, stored_event, stream  # noqa: E402
from eventsourcing.conformance.factory import InfrastructureFactoryContract  # noqa: E402
from eventsourcing.conformance.other_process import OtherProcessContract  # noqa: E402
from eventsourcing.conformance.process_recorder import ProcessRecorderContract  # noqa: E402
from eventsourcing.conformance.subscribing import SubscribingContract  # noqa: E402
from eventsourcing.conformance.tracking_recorder import TrackingRecorderContract  # noqa: E402
from eventsourcing.conformance.waiting import WaitingContract  # noqa: E402

__all__ = [
    "AggregateRecorderContract",
    "ApplicationRecorderContract",
    "InfrastructureFactoryContract",
    "OtherProcessContract",
    "ProcessRecorderContract",
    "RecorderContract",
    "SubscribingContract",
    "TrackingRecorderContract",
    "WaitingContract",
    "selected",
    "stored_event",
    "stream",
]
