"""The dog school: a small domain and system that the tests of the core share."""

from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication, System


class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name):
        self.name = name
        self.tricks = []

    @event("TrickAdded")
    def add_trick(self, trick):
        self.tricks.append(trick)


class DogSchool(Application):
    def register_dog(self, name) -> UUID:
        dog = Dog(name)
        self.save(dog)
        return dog.id

    def add_trick(self, dog_id, trick):
        dog = self.repository.get(dog_id)
        dog.add_trick(trick)
        self.save(dog)

    def get_dog(self, dog_id):
        dog = self.repository.get(dog_id)
        return {"name": dog.name, "tricks": tuple(dog.tricks)}


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


class Counters(ProcessApplication):
    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        """Ignore other events."""

    @policy.register(Dog.TrickAdded)
    def _(self, domain_event, processing_event):
        try:
            counter = self.repository.get(Counter.create_id(domain_event.trick))
        except AggregateNotFoundError:
            counter = Counter(domain_event.trick)
        counter.increment()
        processing_event.collect_events(counter)

    def get_count(self, trick):
        try:
            return self.repository.get(Counter.create_id(trick)).count
        except AggregateNotFoundError:
            return 0


class Tally(ProcessApplication):
    """Follows the counters in turn, and counts all that they count."""

    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        """Ignore other events."""

    @policy.register(Counter.Incremented)
    def _(self, domain_event, processing_event):
        try:
            total = self.repository.get(Counter.create_id("total"))
        except AggregateNotFoundError:
            total = Counter("total")
        total.increment()
        processing_event.collect_events(total)

    def get_total(self):
        try:
            return self.repository.get(Counter.create_id("total")).count
        except AggregateNotFoundError:
            return 0


system = System(pipes=[[DogSchool, Counters]])
long_system = System(pipes=[[DogSchool, Counters, Tally]])
