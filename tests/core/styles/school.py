"""A dog school for dogs that trigger events themselves."""

from typing import Any, ClassVar

from eventsourcing.application import Application


class School(Application):
    """Base class of schools; a subclass says which class its dogs are of."""

    dog_class: ClassVar[Any]

    def register_dog(self, name: str):
        dog = self.dog_class(name)
        self.save(dog)
        return dog.id

    def add_trick(self, dog_id, trick: str) -> None:
        self.record_trick(dog_id, trick)

    def record_trick(self, dog_id, trick: str):
        dog = self.find(dog_id)
        dog.add_trick(trick)
        return self.save(dog)

    def find(self, dog_id, version: int | None = None):
        return self.repository.get(dog_id, version=version)

    def get_dog(self, dog_id, version: int | None = None):
        dog = self.find(dog_id, version)
        return dog.name, tuple(dog.tricks), dog.version
