"""Projections for the tests of rebuilds, as they should be, and as they should not."""

import os
import time

from django_eventsourcing.projections import ModelProjection
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.system import ProcessApplication, System
from tests.core.school import Counters, Dog, DogSchool, Tally
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, Kennel
from tests.django.read_models import models

__all__ = ["Counters", "DogSchool", "Kennel", "Tally"]


class VersionedBoard(Board):
    """Counts each trick as often as its version says; takes its time, if that is asked for."""

    name = "Board"
    version = int(os.environ.get("TEST_VERSION", "1"))
    failing_trick = ""

    def add(self, trick, count):
        if trick == self.failing_trick:
            raise ValueError(f"no {trick} here")
        if seconds := os.environ.get("TEST_BOARD_SECONDS"):
            time.sleep(float(seconds))  # The work that a projection does; nothing is waited for.
        super().add(trick, count * self.version)


class DogBook(ModelProjection):
    """Keeps dogs and tricks in tables that refer to one another."""

    models = [models.Trick, models.Dog]

    @singledispatchmethod
    def process_event(self, domain_event, tracking):
        """Pass over other events."""

    @process_event.register(Dog.Registered)
    def _(self, domain_event, tracking):
        models.Dog.objects.using(self.database).create(name=domain_event.name)

    @process_event.register(Dog.TrickAdded)
    def _(self, domain_event, tracking):
        tricks = models.Trick.objects.using(self.database)
        easier = tricks.order_by("-level").first()
        level = easier.level + 1 if easier else 0
        trick, _ = tricks.get_or_create(
            # The same key each time, so that others may refer to it.
            name=domain_event.trick,
            defaults={"id": level + 1, "level": level, "easier": easier},
        )
        models.Dog.objects.using(self.database).get(name="Fido").tricks.add(trick)


class Puppies(ModelProjection):
    """Forgets that its model has a parent."""

    models = [models.Puppy]


class Nameless(ModelProjection):
    """Forgets to say what it writes."""


class Clerk(ProcessApplication):
    """Writes models, and might do other things besides."""

    models = [TrickCount]

    def policy(self, domain_event, processing_event):
        if isinstance(domain_event, Dog.TrickAdded):
            counts = TrickCount.objects.using(self.recorder.alias)
            count, _ = counts.get_or_create(trick=domain_event.trick)
            count.count += 1
            count.save(using=self.recorder.alias)


board_system = System(pipes=[[DogSchool, VersionedBoard]])
wide_system = System(pipes=[[DogSchool, VersionedBoard], [Kennel, VersionedBoard]])
book_system = System(pipes=[[DogSchool, DogBook]])
odd_system = System(
    pipes=[
        [DogSchool, Puppies],
        [DogSchool, Nameless],
        [DogSchool, Clerk],
        [DogSchool, Counters, Tally],
    ]
)
