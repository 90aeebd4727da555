"""Projections of dogs' tricks into a model, singly and many at once."""

from collections import Counter

from django.db.models import F

from django_eventsourcing.projections import ModelProjection
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.system import System
from tests.core.school import Counters, Dog, DogSchool
from tests.django.own_models.models import TrickCount

__all__ = ["DogSchool"]


class Board(ModelProjection):
    """Counts how often each trick was taught."""

    models = [TrickCount]

    @singledispatchmethod
    def process_event(self, domain_event, tracking):
        """Pass over what is no trick."""

    @process_event.register(Dog.TrickAdded)
    def _(self, domain_event, tracking):
        self.add(domain_event.trick, 1)

    def add(self, trick, count):
        counts = TrickCount.objects.using(self.database)
        counts.get_or_create(trick=trick)
        counts.filter(trick=trick).update(count=F("count") + count)
        self.after(trick)

    def after(self, trick):
        """Do nothing, unless a test replaces this."""


class QuickBoard(Board):
    """Counts the tricks of many events at once."""

    def process_events(self, events):
        self.sizes = [*getattr(self, "sizes", []), len(events)]
        tricks = [
            e.domain_event.trick for e in events if isinstance(e.domain_event, Dog.TrickAdded)
        ]
        for trick, count in Counter(tricks).items():
            self.add(trick, count)


class Kennel(DogSchool):
    """Another school, whose tricks count as well."""


board_system = System(pipes=[[DogSchool, Board]])
quick_system = System(pipes=[[DogSchool, QuickBoard]])
wide_system = System(pipes=[[DogSchool, Board], [Kennel, Board], [DogSchool, Counters]])
