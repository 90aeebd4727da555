"""The leaderboard: a row for each dog, with the number of its tricks."""

from typing import Any

from django.db.models import F

from django_eventsourcing.projections import ModelProjection
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Tracking
from example_project.training.domain import Dog
from example_project.training.models import DogRow

__all__ = ["Leaderboard"]


class Leaderboard(ModelProjection):
    """Counts the tricks of each dog."""

    models = [DogRow]

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Pass over every event that nothing is to be done about."""

    @process_event.register(Dog.Registered)
    def _(self, domain_event: Dog.Registered, tracking: Tracking) -> None:
        rows = DogRow.objects.using(self.database)
        rows.create(dog_id=domain_event.originator_id, name=domain_event.name)

    @process_event.register(Dog.TrickAdded)
    def _(self, domain_event: Dog.TrickAdded, tracking: Tracking) -> None:
        rows = DogRow.objects.using(self.database)
        rows.filter(dog_id=domain_event.originator_id).update(tricks=F("tricks") + 1)
