"""Followers in the app of a model, which their policies may write."""

from eventsourcing.system import ProcessApplication
from tests.django.own_models.models import TrickCount

__all__ = ["Declared", "Tallies"]


class Tallies(ProcessApplication):
    """Does not say which models it writes."""

    def policy(self, domain_event, processing_event):
        """Write nothing."""


class Declared(Tallies):
    """Says so."""

    name = "Declared"
    models = [TrickCount]
