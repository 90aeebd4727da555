"""Segments: parts of a follower's work, by aggregates, that several workers process at once."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self
from uuid import UUID

__all__ = [
    "EVERYTHING",
    "MOST_SEGMENTS",
    "RETIRED",
    "SHADOW",
    "Segment",
    "follower_name",
    "segment_of",
    "segments_of",
]

MOST_SEGMENTS = 1024
"""The most segments that a follower may be split into."""
RETIRED = 2**63 - 1
"""The position of a row that is no longer in force: no notification comes after it."""
EVERYTHING = RETIRED - 1
"""The position of a synchronous follower: whatever is recorded has been processed."""
SHADOW = "shadow"
"""The purpose for which a rebuild fills a second set of tables, before it is the one in use."""
_SYNCHRONOUS = "sync"


def segment_of(originator_id: UUID | str, count: int) -> int:
    """
    Return the segment of ``count``, from 0, to which the events of the aggregate belong.

    It is the id's text, hashed by BLAKE2b to 8 bytes, as a big-endian number, modulo ``count``. It
    is the same in all processes and versions, and never changes: positions depend on it.
    """
    digest = blake2b(str(originator_id).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One of the ``count`` parts of a follower, or, where that is 1, all of it."""

    follower: str
    number: int = 1
    """Counted from 1."""
    count: int = 1
    purpose: str = ""
    """What all of it is processed for once more, beside what is in force; nothing, often."""

    @classmethod
    def synchronous(cls, follower: str) -> Self:
        """Return what stands for a follower that processes within the saves of others."""
        return cls(follower=follower, purpose=_SYNCHRONOUS)

    @property
    def is_synchronous(self) -> bool:
        """Whether it stands for a follower that processes within the saves of others."""
        return self.purpose == _SYNCHRONOUS

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the segment of this name; a name without a number is all of its follower."""
        match = _NAME.fullmatch(name)
        if match is None:
            return cls(follower=name)
        if match[4]:
            return cls(follower=match[1], purpose=match[4])
        return cls(follower=match[1], number=int(match[2]), count=int(match[3]))

    @property
    def name(self) -> str:
        """The name under which positions, leases and dead letters are kept: ``Counters[2/4]``."""
        if self.purpose:
            return f"{self.follower}[{self.purpose}]"
        return self.follower if self.count == 1 else f"{self.follower}[{self.number}/{self.count}]"

    def has(self, originator_id: UUID | str) -> bool:
        """Tell whether the events of the aggregate belong to the segment."""
        return self.count == 1 or segment_of(originator_id, self.count) == self.number - 1


def segments_of(follower: str, count: int) -> list[Segment]:
    """Return all segments of a follower that is split into so many."""
    return [Segment(follower=follower, number=n, count=count) for n in range(1, count + 1)]


def follower_name(name: str) -> str:
    """Return the name of the follower to which a segment of this name belongs."""
    return Segment.parse(name).follower


_NAME = re.compile(rf"(.+)\[(?:([1-9]\d{{0,3}})/([1-9]\d{{0,3}})|({_SYNCHRONOUS}))\]", re.DOTALL)
