"""Rebuilding: rows that follow from events are thrown away and made again, with the site up."""

from django_eventsourcing.rebuilding.errors import (
    RebuildError,
    RebuildHeldError,
    RebuildRefusedError,
    RebuildStoppedError,
)
from django_eventsourcing.rebuilding.in_place import InPlaceRebuild
from django_eventsourcing.rebuilding.plans import Count, RebuildPlan
from django_eventsourcing.rebuilding.rebuild import Rebuild, RebuildResult
from django_eventsourcing.rebuilding.requests import REBUILDS, Requests, request_rebuild
from django_eventsourcing.rebuilding.shadow import ShadowRebuild

__all__ = [
    "REBUILDS",
    "Count",
    "InPlaceRebuild",
    "Rebuild",
    "RebuildError",
    "RebuildHeldError",
    "RebuildPlan",
    "RebuildRefusedError",
    "RebuildResult",
    "RebuildStoppedError",
    "Requests",
    "ShadowRebuild",
    "request_rebuild",
]
