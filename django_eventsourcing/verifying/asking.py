"""Asking: long work looks often whether it is to end."""

from collections.abc import Callable

from django_eventsourcing.verifying.errors import VerifyStoppedError

__all__ = ["go_on"]


def go_on(is_stopping: Callable[[], bool]) -> None:
    """Raise ``VerifyStoppedError`` if the process has been asked to stop."""
    if is_stopping():
        raise VerifyStoppedError(
            "Ended before all was verified; scratch tables are dropped.  HINT: Run this again: it "
            "begins anew."
        )
