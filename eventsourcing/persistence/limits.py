"""Limits: how large events may be, and how deeply their values may be nested."""

from dataclasses import dataclass
from typing import Self

from eventsourcing.environment import Environment
from eventsourcing.persistence.errors import InfrastructureFactoryError

__all__ = ["INFLATED_MAX_BYTES", "NESTING_MAX_DEPTH", "PAYLOAD_MAX_BYTES", "Limits"]

PAYLOAD_MAX_BYTES = "PAYLOAD_MAX_BYTES"
INFLATED_MAX_BYTES = "INFLATED_MAX_BYTES"
NESTING_MAX_DEPTH = "NESTING_MAX_DEPTH"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an event or a snapshot may need; 0 is no limit."""

    payload_bytes: int = 2**20
    """Bytes as it is stored: encoded, compressed and encrypted."""
    inflated_bytes: int = 16 * 2**20
    """Bytes before compression, and after decompression."""
    nesting: int = 100
    """Levels of values within values, as they are encoded."""

    @classmethod
    def of(cls, env: Environment) -> Self:
        """
        Return the limits that the environment sets.

        The keys are ``PAYLOAD_MAX_BYTES``, ``INFLATED_MAX_BYTES`` and ``NESTING_MAX_DEPTH``. Raise
        ``InfrastructureFactoryError`` for a value that is no such number.
        """
        return cls(
            payload_bytes=_number(env, PAYLOAD_MAX_BYTES, cls.payload_bytes, "bytes"),
            inflated_bytes=_number(env, INFLATED_MAX_BYTES, cls.inflated_bytes, "bytes"),
            nesting=_number(env, NESTING_MAX_DEPTH, cls.nesting, "levels"),
        )

    @property
    def allows_large_payloads(self) -> bool:
        """Whether an event may be larger than it may be by default."""
        return not 0 < self.payload_bytes <= Limits.payload_bytes


def _number(env: Environment, key: str, default: int, unit: str) -> int:
    text = env.get(key)
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise InfrastructureFactoryError(
            f"{key} is {text!r}. Give a whole number of {unit}, or 0 for no limit."
        )
    return number
