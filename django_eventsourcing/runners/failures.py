"""Failures: what a follower could not process, as operators are told."""

from dataclasses import dataclass
from typing import Self

from django_eventsourcing.problems import described, trace_of

__all__ = ["Failure"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a follower does not go on, or tries again."""

    upstream_name: str = ""
    """The application whose notification has failed, if it is one."""
    notification_id: int | None = None
    error: str
    traceback: str
    attempts: int = 1

    @classmethod
    def of(
        cls,
        error: BaseException,
        *,
        upstream_name: str = "",
        notification_id: int | None = None,
        attempts: int = 1,
    ) -> Self:
        """Return the failure that the error stands for, with its traceback."""
        return cls(
            upstream_name=upstream_name,
            notification_id=notification_id,
            error=described(error),
            traceback=trace_of(error),
            attempts=attempts,
        )
