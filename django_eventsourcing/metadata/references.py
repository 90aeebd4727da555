"""References: an event named in few characters, by its application and its notification id."""

import re
from typing import NamedTuple, Self

__all__ = ["EventReference"]

# An application's name may have colons of its own: the last one counts.
_REFERENCE = re.compile(r"(?P<name>.+):(?P<id>[1-9][0-9]{0,18})", re.DOTALL)


class EventReference(NamedTuple):
    """An event of any application; as text ``DogSchool:4711``."""

    application_name: str
    notification_id: int

    def __str__(self) -> str:
        return f"{self.application_name}:{self.notification_id}"

    @classmethod
    def parse(cls, text: object) -> Self | None:
        """Return the reference that the text is, or ``None`` if it is something else."""
        found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
        return found and cls(found["name"], int(found["id"]))
