"""Synchronous followers: they process what is recorded in the transaction that records it."""

from django_eventsourcing.synchronous.followers import SynchronousFollowers
from django_eventsourcing.synchronous.switching import Switching, SwitchingError, SwitchingResult

__all__ = ["Switching", "SwitchingError", "SwitchingResult", "SynchronousFollowers"]
