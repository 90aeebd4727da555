"""Verifying: whether what is stored can be read, and rows are what the events say."""

from django_eventsourcing.verifying.aggregates import (
    AggregateFault,
    AggregateReport,
    AggregateVerification,
)
from django_eventsourcing.verifying.comparing import Difference, Drift, ModelReport
from django_eventsourcing.verifying.errors import (
    VerifyError,
    VerifyHeldError,
    VerifyRefusedError,
    VerifyStoppedError,
)
from django_eventsourcing.verifying.read_models import (
    ProjectionReport,
    ProjectionVerification,
    projections_of,
)
from django_eventsourcing.verifying.topics import (
    TopicReport,
    TopicVerification,
    UnresolvedTopic,
)

__all__ = [
    "AggregateFault",
    "AggregateReport",
    "AggregateVerification",
    "Difference",
    "Drift",
    "ModelReport",
    "ProjectionReport",
    "ProjectionVerification",
    "TopicReport",
    "TopicVerification",
    "UnresolvedTopic",
    "VerifyError",
    "VerifyHeldError",
    "VerifyRefusedError",
    "VerifyStoppedError",
    "projections_of",
]
