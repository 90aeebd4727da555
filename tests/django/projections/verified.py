"""Projections for the tests of es_verify: as they should be, and as they should not."""

from django_eventsourcing.projections import ModelProjection
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.system import System
from tests.core.school import Counters, Dog, DogSchool
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, Kennel, QuickBoard
from tests.django.projections.rebuilt import Clerk, DogBook, Nameless
from tests.django.read_models import models

__all__ = ["Clerk", "DogBook", "Kennel", "Nameless"]


class Stray(ModelProjection):
    """Writes to a model that it does not name."""

    models = [TrickCount]

    @singledispatchmethod
    def process_event(self, domain_event, tracking):
        """Pass over other events."""

    @process_event.register(Dog.Registered)
    def _(self, domain_event, tracking):
        models.Dog.objects.using(self.database).create(name=domain_event.name)


class MixedBoard(Board):
    """Counts the tricks of two schools."""


wide_system = System(pipes=[[DogSchool, MixedBoard], [Kennel, MixedBoard]])
quick_system = System(pipes=[[DogSchool, QuickBoard]])
stray_system = System(pipes=[[DogSchool, Stray]])
odd_system = System(pipes=[[DogSchool, Nameless], [DogSchool, Clerk], [DogSchool, Counters]])
