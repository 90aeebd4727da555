"""Clerks: followers that write down what they process, and fail at what they are told to."""

from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from django_eventsourcing.conf import ErrorPolicy
from django_eventsourcing.dead_letters import Parking
from django_eventsourcing.runners.pipe import Pipe
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication, System
from tests.core.school import Counters, DogSchool
from tests.django.own_models.models import TrickCount


class Ledger(Aggregate):
    """The versions of one dog, in the order in which they were processed."""

    @event("Opened")
    def __init__(self, dog_id):
        self.dog_id = dog_id
        self.versions = []

    @classmethod
    def create_id(cls, dog_id):
        return uuid5(NAMESPACE_URL, f"/ledgers/{dog_id}")

    @event("Written")
    def write(self, version):
        self.versions.append(version)


class Clerk(ProcessApplication):
    """Keeps a ledger of each dog, and a row of each trick; fails at bad ones until mended."""

    env = {"AGGREGATE_CACHE_MAXSIZE": "100"}
    is_mended: ClassVar[bool] = False
    also_fails: ClassVar[bool] = False

    def policy(self, domain_event, processing_event):
        dog_id, version = domain_event.originator_id, domain_event.originator_version
        try:
            ledger = self.repository.get(Ledger.create_id(dog_id))
        except AggregateNotFoundError:
            ledger = Ledger(dog_id)
        ledger.write(version)
        processing_event.collect_events(ledger)
        trick = getattr(domain_event, "trick", "none")
        TrickCount.objects.using(self.recorder.alias).get_or_create(trick=trick)
        if self.also_fails or (trick.startswith("bad") and not self.is_mended):
            raise ValueError(f"cannot write down {trick}")

    def versions_of(self, dog_id):
        try:
            return self.repository.get(Ledger.create_id(dog_id)).versions
        except AggregateNotFoundError:
            return []


clerks_system = System(pipes=[[DogSchool, Clerk], [DogSchool, Counters]])

PARKS = ErrorPolicy(retries=0, then="park")


def pipe_of(system, *, policy=PARKS, batch_size=10):
    """Return the clerk's pipe, as a runner makes it."""
    clerk = system.get(Clerk)
    return Pipe(
        system.get(DogSchool),
        clerk,
        batch_size,
        lambda: False,
        Parking(system, clerk, "DogSchool", policy),
    )


def work(pipe):
    """Process all there is, as a worker does that tries each notification once."""
    while True:
        try:
            if not pipe.step():
                return
        except Exception as error:
            if not pipe.is_single:
                pipe.go_singly()
            elif pipe.parking.settle(error, 1) is None:
                raise
