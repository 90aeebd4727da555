"""What the domain comes to where it is written by hand: rows of JSON, and plain objects."""

import json
from datetime import UTC, datetime
from uuid import UUID, uuid4

REGISTERED, TRICK_ADDED, NOTE = "school:Registered", "school:TrickAdded", "school:Note"
EVENTS_OF_A_DOG = 100


class Dog:
    """An aggregate without a library."""

    def __init__(self, name):
        self.id = uuid4()
        self.version = 1
        self.modified_on = datetime.now(UTC)
        self.name = name
        self.tricks = []
        self.pending = [(REGISTERED, 1, {"timestamp": self.modified_on, "name": name})]

    def add_trick(self, trick):
        self.version += 1
        self.modified_on = datetime.now(UTC)
        self.tricks.append(trick)
        values = {"timestamp": self.modified_on, "trick": trick}
        self.pending.append((TRICK_ADDED, self.version, values))

    @classmethod
    def of_rows(cls, rows):
        """Return the dog that has the rows: originator id, version, topic and state."""
        dog = None
        for id_, version, topic, state in rows:
            values = json.loads(state)
            if topic == REGISTERED:
                dog = object.__new__(cls)
                dog.id = id_
                dog.name, dog.tricks, dog.pending = values["name"], [], []
            else:
                dog.tricks.append(values["trick"])
            dog.version = version
            dog.modified_on = datetime.fromisoformat(values["timestamp"])
        return dog


def state_of(values):
    return json.dumps(
        {**values, "timestamp": values["timestamp"].isoformat()}, separators=(",", ":")
    ).encode()


def dog_with(events):
    dog = Dog("Fido")
    for number in range(events - 1):
        dog.add_trick(f"trick {number}")
    return dog


def note_of(topic, state):
    """Return the topic and values of the event that a policy records of another, if it does."""
    if topic != TRICK_ADDED:
        return None
    return NOTE, {"timestamp": datetime.now(UTC), "trick": json.loads(state)["trick"]}


def new_id():
    return uuid4()


def as_uuid(value):
    return value if isinstance(value, UUID) else UUID(value)
