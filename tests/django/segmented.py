"""A system for the tests of segments: a diary that shows what was processed, in which order."""

import os
from uuid import NAMESPACE_URL, uuid5

from eventsourcing.application import AggregateNotFoundError
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication, System
from tests.core.school import Dog
from tests.django.schools import Counters, DogSchool, Mortal, Tally


class Kennel(DogSchool):
    """A second log, in which nothing has been recorded."""


class Page(Aggregate):
    """Keeps the versions of one dog's events as they were processed."""

    @event("Begun")
    def __init__(self, dog_id):
        self.dog_id = dog_id
        self.versions = []

    @classmethod
    def create_id(cls, dog_id):
        return uuid5(NAMESPACE_URL, f"/pages/{dog_id}")

    @event("Noted")
    def note(self, version):
        self.versions.append(version)


class Diary(ProcessApplication):
    """Has a page for each dog; fails at the tricks of a kind, as long as a test wants it to."""

    failing_trick = ""

    def policy(self, domain_event, processing_event):
        trick = getattr(domain_event, "trick", None)
        if trick and trick in (self.failing_trick, os.environ.get("TEST_FAILING_TRICK")):
            raise ValueError(f"no {trick} here")
        if isinstance(domain_event, (Dog.Registered, Dog.TrickAdded)):
            page_id = Page.create_id(domain_event.originator_id)
            try:
                page = self.repository.get(page_id)
            except AggregateNotFoundError:
                page = Page(domain_event.originator_id)
            page.note(domain_event.originator_version)
            processing_event.collect_events(page)

    def versions(self, dog_id):
        """Return the versions of the dog's events in the order in which they were processed."""
        try:
            return self.repository.get(Page.create_id(dog_id)).versions
        except AggregateNotFoundError:
            return []


system = System(pipes=[[DogSchool, Diary], [DogSchool, Counters, Tally]])
two_logs_system = System(pipes=[[DogSchool, Diary], [Kennel, Diary]])
diary_system = System(pipes=[[DogSchool, Diary]])
mortal_system = System(pipes=[[DogSchool, Mortal]])
