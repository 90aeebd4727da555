"""What topics may name that are no classes of events, for the tests of the mapper."""

from dataclasses import dataclass
from datetime import datetime

VALUES = {"a": 1}
NUMBERS = [1]


@dataclass
class Unhashable:
    """Compares by its values."""

    number: int


INSTANCE = Unhashable(1)


class Renamed:
    """Stands where an event's class was."""

    moment: datetime
