"""The kennel: a small system whose log the tests of the admin look at."""

from decimal import Decimal

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication, System
from eventsourcing.topics import get_topic


class Dog(Aggregate):
    class Registered(Aggregate.Created):
        name: str

    class TrickAdded(Aggregate.Event):
        trick: str

    class Weighed(Aggregate.Event):
        kilograms: Decimal

    @event(Registered)
    def __init__(self, name):
        self.name = name

    @event(TrickAdded)
    def add_trick(self, trick):
        pass

    @event("Renamed")
    def rename(self, name):
        self.name = name

    @event(Weighed)
    def weigh(self, kilograms):
        pass


class Kennel(Application):
    is_snapshotting_enabled = True

    def register(self, name, *tricks):
        dog = Dog(name)
        for trick in tricks:
            dog.add_trick(trick)
        self.save(dog)
        return dog.id

    def rename(self, dog_id, name):
        dog = self.repository.get(dog_id)
        dog.rename(name)
        self.save(dog)

    def weigh(self, dog_id, kilograms):
        dog = self.repository.get(dog_id)
        dog.weigh(kilograms)
        self.save(dog)


class Tally(ProcessApplication):
    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        pass


class Names(ProcessApplication):
    topics = (get_topic(Dog.Registered),)

    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        pass


class Visits(Application):
    pass


class Walks(ProcessApplication):
    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        pass


class Visit(Aggregate):
    class Began(Aggregate.Created):
        class_version = 2

    class Paid(Aggregate.Event):
        class_version = 3
        pence: int

        @staticmethod
        def upcast_v1_v2(state):
            state["pence"] = state.pop("shillings") * 12

        @staticmethod
        def upcast_v2_v3(state):
            state["pence"] = int(state["pence"])

    @event(Began)
    def __init__(self):
        self.paid = 0

    @event(Paid)
    def pay(self, pence):
        self.paid += pence


class Counting(ProcessApplication):
    @singledispatchmethod
    def policy(self, domain_event, processing_event):
        pass

    @policy.register
    def _(self, domain_event: Visit.Paid, processing_event):
        pass


class Listening(ProcessApplication):
    def policy(self, domain_event, processing_event):
        pass


system = System(pipes=[[Kennel, Tally], [Kennel, Names]])
other_system = System(pipes=[[Visits]])
walking_system = System(pipes=[[Visits, Walks]])
counting_system = System(pipes=[[Visits, Counting]])
listening_system = System(pipes=[[Visits, Listening]])
