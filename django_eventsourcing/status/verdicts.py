"""Verdicts: from what is known of a follower to how it is doing, in a word and in a sentence."""

from collections.abc import Sequence

from django_eventsourcing.progress import format_duration
from django_eventsourcing.status.values import FollowerStatus, HolderStatus, PipeStatus, Verdict

__all__ = ["HELD_UP_AFTER", "STUCK_AFTER", "counted", "judge"]

STUCK_AFTER = 7.0
"""Seconds after which a position that should move, and does not, is stuck: under two heartbeats."""
LATE_AFTER = 8.0
"""Seconds after which a worker has missed a heartbeat."""
HELD_UP_AFTER = 1.0
"""Seconds after which a transaction that is open is named as what the follower waits for."""
LATER_BY = 2.0
"""Seconds by which it may have begun after the position came to rest, and yet be the reason."""


def judge(follower: FollowerStatus, holders: Sequence[HolderStatus] = ()) -> tuple[Verdict, str]:
    """
    Return how the follower is doing, and a sentence that says so.

    ``holders`` are the open transactions that may add to logs, the oldest first.
    """
    verdict, words = _main(follower, holders)
    if follower.parked and verdict is not Verdict.PARKED:
        words = f"{words}; {_parked(follower)}"
    return verdict, words


def counted(number: int, *, is_more: bool = False) -> str:
    """Return a number as it is read: ``12,300``, or ``10,000+`` where counting has ended."""
    return f"{number:,}{'+' if is_more else ''}"


def _main(follower: FollowerStatus, holders: Sequence[HolderStatus]) -> tuple[Verdict, str]:
    name = follower.name
    if follower.error and not follower.pipes:
        return Verdict.UNKNOWN, f"{name} cannot be looked at: {follower.error}"
    unread = [pipe for pipe in follower.pipes if pipe.error]
    if unread:
        what = "cannot be looked at"
        if unread[0].segments_in_force:
            what = "waits for a change of its segments"
        elif unread[0].is_synchronous:
            what = "is left alone by workers"
        return Verdict.UNKNOWN, f"{name} {what}: {unread[0].error}"
    if follower.in_memory:
        return _in_memory(follower)
    if follower.pipes and all(pipe.is_synchronous for pipe in follower.pipes):
        what = "is synchronous: it processes in the transactions that record"
        return Verdict.CAUGHT_UP, f"{name} {what}"
    if not follower.is_wanted:
        reason = f": {follower.reason}" if follower.reason else ""
        waiting = f"; {_pending(follower)}" if follower.behind else ""
        return Verdict.PAUSED, f"{name} is paused{reason}{waiting}"
    if follower.state in ("failed", "died", "refused"):
        return Verdict.FAILED, _failed(follower)
    if not follower.is_held or _is_late(follower):
        return _unheld(follower)
    if follower.state == "retrying" and follower.failed_notification is not None:
        return Verdict.RETRYING, _retrying(follower)
    if follower.behind:
        return _pending_verdict(follower, holders)
    if follower.parked:
        return Verdict.PARKED, f"{name} is caught up; {_parked(follower)}"
    return Verdict.CAUGHT_UP, f"{name} is caught up"


def _is_late(follower: FollowerStatus) -> bool:
    """Tell whether its worker has missed a heartbeat, though its lease is in force yet."""
    return follower.worker is not None and follower.worker.heartbeat_seconds > LATE_AFTER


def _in_memory(follower: FollowerStatus) -> tuple[Verdict, str]:
    where = "in the memory of this process"
    if follower.behind:
        return Verdict.LAGGING, f"{follower.name} is {_number(follower)} behind {where}"
    return Verdict.CAUGHT_UP, f"{follower.name} is caught up {where}"


def _unheld(follower: FollowerStatus) -> tuple[Verdict, str]:
    why = "no worker holds it"
    if follower.worker is not None:
        age = format_duration(follower.worker.heartbeat_seconds)
        why = f"its worker {follower.worker} was last heard of {age} ago"
    if not follower.behind:
        return Verdict.NOT_RUNNING, f"{follower.name} is not running: {why}"
    return Verdict.STUCK, f"{follower.name} is stuck: {_pending(follower)} and {why}"


def _pending_verdict(
    follower: FollowerStatus, holders: Sequence[HolderStatus]
) -> tuple[Verdict, str]:
    stillest = max(follower.pipes, key=lambda pipe: pipe.still_seconds)
    longest = next((each for each in holders if _explains(each, stillest)), None)
    if longest is not None and stillest.still_seconds > HELD_UP_AFTER:
        log = f"the log of {stillest.upstream} is {longest.words}"
        what = f"held up by an open transaction: {log}; {_pending(follower)}"
        return Verdict.HELD_UP, f"{follower.name} is {what}"
    # A worker that has just taken it, or was let go on, has its time, too.
    known = stillest.still_seconds if follower.written_seconds is None else follower.written_seconds
    if min(stillest.still_seconds, known) > STUCK_AFTER:
        return Verdict.STUCK, _motionless(follower, stillest)
    if _waits(follower):
        what = f"waits for a database and tries again: {_pending(follower)}: {follower.error}"
        return Verdict.RETRYING, f"{follower.name} {what}"
    return Verdict.LAGGING, _catching_up(follower)


def _catching_up(follower: FollowerStatus) -> str:
    text = f"{follower.name} is {_number(follower)} behind"
    if follower.eta_seconds is None:
        return f"{text} and catching up"
    return f"{text}, catching up, about {format_duration(follower.eta_seconds)}"


def _explains(holder: HolderStatus, pipe: PipeStatus) -> bool:
    """Tell whether the position may be waiting for the transaction since it last moved."""
    if pipe.upstream not in holder.upstreams:
        return False
    # One that began later found the position at rest: something else keeps it.
    return holder.seconds is None or holder.seconds >= pipe.still_seconds - LATER_BY


def _motionless(follower: FollowerStatus, pipe: PipeStatus) -> str:
    still = format_duration(pipe.still_seconds)
    holder = f"{follower.worker} holds it" if follower.worker else "a worker holds it"
    state = f" ({follower.state})" if follower.state not in ("", "running") else ""
    return (
        f"{follower.name} is stuck: {_pending(follower)}, {holder}{state}, and its position in "
        f"{pipe.upstream} has not moved for {still}"
        f"{f': {follower.error}' if _waits(follower) else ''}"
    )


def _waits(follower: FollowerStatus) -> bool:
    """Tell whether its worker has said which database it waits for."""
    return follower.state == "waiting for the database" and bool(follower.error)


def _failed(follower: FollowerStatus) -> str:
    error = f": {follower.error}" if follower.error else ""
    if follower.state == "died" or follower.failed_notification is None:
        verb = "died" if follower.state == "died" else "failed"
        return f"{follower.name} has {verb}{error}"
    tries = "once" if follower.attempts == 1 else f"{follower.attempts:,} times"
    return f"{follower.name} has failed at {_failing(follower)}, tried {tries}{error}"


def _retrying(follower: FollowerStatus) -> str:
    error = f": {follower.error}" if follower.error else ""
    times = "once" if follower.attempts == 1 else f"{follower.attempts:,} times"
    return f"{follower.name} tries {_failing(follower)} again, which has failed {times}{error}"


def _failing(follower: FollowerStatus) -> str:
    return f"notification {follower.failed_notification} of {follower.failed_upstream}"


def _pending(follower: FollowerStatus) -> str:
    is_one = follower.behind == 1 and not follower.is_more
    return f"{_number(follower)} {'event is' if is_one else 'events are'} pending"


def _parked(follower: FollowerStatus) -> str:
    is_one = follower.parked == 1 and not follower.is_more_parked
    number = counted(follower.parked, is_more=follower.is_more_parked)
    return f"{number} {'notification is' if is_one else 'notifications are'} set aside"


def _number(follower: FollowerStatus) -> str:
    return counted(follower.behind, is_more=follower.is_more)
