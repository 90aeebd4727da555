"""The domain that event-sourced contenders share: dogs learn tricks, which are counted."""

from uuid import NAMESPACE_URL, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name):
        self.name = name
        self.tricks = []

    @event("TrickAdded")
    def add_trick(self, trick):
        self.tricks.append(trick)


class Counter(Aggregate):
    def __init__(self, name):
        self.name = name
        self.count = 0

    @classmethod
    def create_id(cls, name):
        return uuid5(NAMESPACE_URL, f"/counters/{name}")

    @event("Incremented")
    def increment(self):
        self.count += 1


class Note(Aggregate):
    def __init__(self, trick):
        self.trick = trick


class DogSchool(Application):
    log_section_size = 100

    def register_dog(self, name):
        dog = Dog(name)
        self.save(dog)
        return dog.id

    def add_trick(self, dog_id, trick):
        dog = self.repository.get(dog_id)
        dog.add_trick(trick)
        return self.save(dog)


class Counters(ProcessApplication):
    """Counts each trick, by an aggregate of its own."""

    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        """Pass over whatever is not taught."""

    @policy.register(Dog.TrickAdded)
    def _(self, domain_event, processing_event):
        try:
            counter = self.repository.get(Counter.create_id(domain_event.trick))
        except AggregateNotFoundError:
            counter = Counter(domain_event.trick)
        counter.increment()
        processing_event.collect_events(counter)


class Notes(ProcessApplication):
    """Records one event for each that it processes."""

    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        """Pass over whatever is not taught."""

    @policy.register(Dog.TrickAdded)
    def _(self, domain_event, processing_event):
        processing_event.collect_events(Note(domain_event.trick))


class Silent(ProcessApplication):
    """Processes all, and records nothing."""

    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        """Pass over everything."""
