"""The dog school, and the follower that counts the tricks learnt in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import DomainEvent
from eventsourcing.system import ProcessApplication
from eventsourcing.topics import get_topic
from example_project.newest import newest_first
from example_project.training.domain import Counter, Dog

__all__ = ["Counters", "DogDetails", "DogSchool"]

TRICKS = 1_000


@dataclass(frozen=True, kw_only=True)
class DogDetails:
    """A dog as the pages show it."""

    id: UUID
    name: str
    tricks: Sequence[str] = ()


class DogSchool(Application):
    """Registers dogs and teaches them tricks."""

    def register_dog(self, name: str) -> UUID:
        """Register a dog, and return the id by which it is known from now on."""
        dog = Dog(name)
        self.save(dog)
        return dog.id

    def add_trick(self, dog_id: UUID, trick: str) -> None:
        """Teach a dog a trick; raise ``AggregateNotFoundError`` if there is no such dog."""
        dog: Dog = self.repository.get(dog_id)
        dog.add_trick(trick)
        self.save(dog)

    def get_dog(self, dog_id: UUID) -> DogDetails:
        """Return a dog; raise ``AggregateNotFoundError`` if there is no such dog."""
        dog: Dog = self.repository.get(dog_id)
        return DogDetails(id=dog.id, name=dog.name, tricks=tuple(dog.tricks))

    def newest_dogs(self, limit: int) -> list[DogDetails]:
        """
        Return the dogs registered last, newest first, without their tricks.

        They are found in the latest part of the log: a read model would know them all.
        """
        return [
            DogDetails(id=registered.originator_id, name=registered.name)
            for registered in islice(newest_first(self, Dog.Registered), limit)
        ]


class Counters(ProcessApplication):
    """Counts how often each trick has been learnt."""

    @singledispatchmethod
    def policy(self, domain_event: DomainEvent, processing_event: ProcessingEvent) -> None:
        """Pass over every event that nothing is to be done about."""

    @policy.register(Dog.TrickAdded)
    def _(self, domain_event: Dog.TrickAdded, processing_event: ProcessingEvent) -> None:
        counter = self._find(domain_event.trick) or Counter(domain_event.trick)
        counter.increment()
        processing_event.collect_events(counter)

    def get_count(self, trick: str) -> int:
        """Return how often a trick has been learnt."""
        counter = self._find(trick)
        return counter.count if counter else 0

    def get_counts(self) -> dict[str, int]:
        """Return how often each trick has been learnt, the most frequent first."""
        counts = {trick: self.get_count(trick) for trick in self._tricks()}
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def _find(self, trick: str) -> Counter | None:
        try:
            counter: Counter = self.repository.get(Counter.create_id(trick))
        except AggregateNotFoundError:
            return None
        return counter

    def _tricks(self) -> Iterator[str]:
        """Yield the tricks that there is a counter of, as their first events have them."""
        topics = [get_topic(Counter.Started)]
        for notification in self.recorder.select_notifications(None, TRICKS, topics=topics):
            started = self.mapper.to_domain_event(notification)
            if isinstance(started, Counter.Started):
                yield started.name
