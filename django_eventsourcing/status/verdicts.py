"""Verdicts: from what is known of a follower to how it is doing, in a word and in a sentence."""

from collections.abc import Sequence

from django_eventsourcing.progress import format_duration
from django_eventsourcing.status.values import FollowerStatus, HolderStatus, PipeStatus, Verdict
from django_eventsourcing.wording import Figure, Words

__all__ = ["HELD_UP_AFTER", "STUCK_AFTER", "and_also", "counted", "judge"]

STUCK_AFTER = 7.0
"""Seconds after which a position that should move, and does not, is stuck: under two heartbeats."""
LATE_AFTER = 8.0
"""Seconds after which a worker has missed a heartbeat."""
HELD_UP_AFTER = 1.0
"""Seconds after which a transaction that is open is named as what the follower waits for."""
LATER_BY = 2.0
"""Seconds by which it may have begun after the position came to rest, and yet be the reason."""


def judge(follower: FollowerStatus, holders: Sequence[HolderStatus] = ()) -> tuple[Verdict, Words]:
    """
    Return how the follower is doing, and a sentence that says so.

    ``holders`` are the open transactions that may add to logs, the oldest first.
    """
    verdict, words = _main(follower, holders)
    if follower.parked and verdict is not Verdict.PARKED:
        words = and_also(words, _parked(follower))
    return verdict, words


def counted(number: int, *, is_more: bool = False) -> Figure:
    """Return a number as it is read: ``12,300``, or ``10,000+`` where counting has ended."""
    return Figure.of(number, mark="+" if is_more else "")


def and_also(words: str, more: str) -> Words:
    """Return one sentence of two."""
    return Words.gettext("%(words)s; %(more)s", words=words, more=more)


def _because(words: Words, why: str) -> Words:
    return Words.gettext("%(words)s: %(why)s", words=words, why=why) if why else words


def _main(follower: FollowerStatus, holders: Sequence[HolderStatus]) -> tuple[Verdict, Words]:
    name = follower.name
    if follower.error and not follower.pipes:
        words = Words.gettext("%(follower)s cannot be looked at", follower=name)
        return Verdict.UNKNOWN, _because(words, follower.error)
    unread = [pipe for pipe in follower.pipes if pipe.error]
    if unread:
        return Verdict.UNKNOWN, _because(_unread(name, unread[0]), unread[0].error)
    if follower.in_memory:
        return _in_memory(follower)
    if follower.pipes and all(pipe.is_synchronous for pipe in follower.pipes):
        return Verdict.CAUGHT_UP, Words.gettext(
            "%(follower)s is synchronous: it processes in the transactions that record",
            follower=name,
        )
    if not follower.is_wanted:
        words = _because(Words.gettext("%(follower)s is paused", follower=name), follower.reason)
        return Verdict.PAUSED, and_also(words, _pending(follower)) if follower.behind else words
    if follower.state in ("failed", "died", "refused"):
        return Verdict.FAILED, _because(_failed(follower), follower.error)
    if not follower.is_held or _is_late(follower):
        return _unheld(follower)
    if follower.state == "retrying" and follower.failed_notification is not None:
        return Verdict.RETRYING, _because(_retrying(follower), follower.error)
    if follower.behind:
        return _pending_verdict(follower, holders)
    words = Words.gettext("%(follower)s is caught up", follower=name)
    if follower.parked:
        return Verdict.PARKED, and_also(words, _parked(follower))
    return Verdict.CAUGHT_UP, words


def _unread(name: str, pipe: PipeStatus) -> Words:
    if pipe.segments_in_force:
        return Words.gettext("%(follower)s waits for a change of its segments", follower=name)
    if pipe.is_synchronous:
        return Words.gettext("%(follower)s is left alone by workers", follower=name)
    return Words.gettext("%(follower)s cannot be looked at", follower=name)


def _is_late(follower: FollowerStatus) -> bool:
    """Tell whether its worker has missed a heartbeat, though its lease is in force yet."""
    return follower.worker is not None and follower.worker.heartbeat_seconds > LATE_AFTER


def _in_memory(follower: FollowerStatus) -> tuple[Verdict, Words]:
    name = follower.name
    if follower.behind:
        return Verdict.LAGGING, Words.gettext(
            "%(follower)s is %(number)s behind in the memory of this process",
            follower=name,
            number=_number(follower),
        )
    return Verdict.CAUGHT_UP, Words.gettext(
        "%(follower)s is caught up in the memory of this process", follower=name
    )


def _unheld(follower: FollowerStatus) -> tuple[Verdict, Words]:
    name, why = follower.name, Words.gettext("no worker holds it")
    if follower.worker is not None:
        why = Words.gettext(
            "its worker %(worker)s was last heard of %(age)s ago",
            worker=follower.worker.words,
            age=format_duration(follower.worker.heartbeat_seconds),
        )
    if not follower.behind:
        words = Words.gettext("%(follower)s is not running: %(why)s", follower=name, why=why)
        return Verdict.NOT_RUNNING, words
    return Verdict.STUCK, Words.gettext(
        "%(follower)s is stuck: %(pending)s and %(why)s",
        follower=name,
        pending=_pending(follower),
        why=why,
    )


def _pending_verdict(
    follower: FollowerStatus, holders: Sequence[HolderStatus]
) -> tuple[Verdict, Words]:
    stillest = max(follower.pipes, key=lambda pipe: pipe.still_seconds)
    longest = next((each for each in holders if _explains(each, stillest)), None)
    if longest is not None and stillest.still_seconds > HELD_UP_AFTER:
        return Verdict.HELD_UP, Words.gettext(
            "%(follower)s is held up by an open transaction: the log of %(upstream)s is "
            "%(held)s; %(pending)s",
            follower=follower.name,
            upstream=stillest.upstream,
            held=longest.words,
            pending=_pending(follower),
        )
    # A worker that has just taken it, or was let go on, has its time, too.
    known = stillest.still_seconds if follower.written_seconds is None else follower.written_seconds
    if min(stillest.still_seconds, known) > STUCK_AFTER:
        return Verdict.STUCK, _motionless(follower, stillest)
    if _waits(follower):
        words = Words.gettext(
            "%(follower)s waits for a database and tries again: %(pending)s",
            follower=follower.name,
            pending=_pending(follower),
        )
        return Verdict.RETRYING, _because(words, follower.error)
    return Verdict.LAGGING, _catching_up(follower)


def _catching_up(follower: FollowerStatus) -> Words:
    name, number = follower.name, _number(follower)
    if follower.eta_seconds is None:
        return Words.gettext(
            "%(follower)s is %(number)s behind and catching up", follower=name, number=number
        )
    return Words.gettext(
        "%(follower)s is %(number)s behind, catching up, about %(time)s",
        follower=name,
        number=number,
        time=format_duration(follower.eta_seconds),
    )


def _explains(holder: HolderStatus, pipe: PipeStatus) -> bool:
    """Tell whether the position may be waiting for the transaction since it last moved."""
    if pipe.upstream not in holder.upstreams:
        return False
    # One that began later found the position at rest: something else keeps it.
    return holder.seconds is None or holder.seconds >= pipe.still_seconds - LATER_BY


def _motionless(follower: FollowerStatus, pipe: PipeStatus) -> Words:
    words = Words.gettext(
        "%(follower)s is stuck: %(pending)s, %(holder)s, and its position in %(upstream)s has not "
        "moved for %(time)s",
        follower=follower.name,
        pending=_pending(follower),
        holder=_holder(follower),
        upstream=pipe.upstream,
        time=format_duration(pipe.still_seconds),
    )
    return _because(words, follower.error) if _waits(follower) else words


def _holder(follower: FollowerStatus) -> Words:
    if follower.worker is None:
        words = Words.gettext("a worker holds it")
    else:
        words = Words.gettext("%(worker)s holds it", worker=follower.worker.words)
    if follower.state in ("", "running"):
        return words
    return Words.gettext("%(words)s (%(state)s)", words=words, state=_state(follower.state))


def _state(state: str) -> str:
    """Return what a worker has said last; its own words, where it is of another version."""
    words = {
        "caught up": Words.gettext("caught up"),
        "paused": Words.gettext("paused"),
        "retrying": Words.gettext("retrying"),
        "stand-by": Words.gettext("stand-by"),
        "stopped": Words.gettext("stopped"),
        "synchronous": Words.gettext("synchronous"),
        "waiting for the database": Words.gettext("waiting for the database"),
    }
    return words.get(state, state)


def _waits(follower: FollowerStatus) -> bool:
    """Tell whether its worker has said which database it waits for."""
    return follower.state == "waiting for the database" and bool(follower.error)


def _failed(follower: FollowerStatus) -> Words:
    name = follower.name
    if follower.state == "died":
        return Words.gettext("%(follower)s has died", follower=name)
    if follower.failed_notification is None:
        return Words.gettext("%(follower)s has failed", follower=name)
    return Words.ngettext(
        "%(follower)s has failed at notification %(id)s of %(upstream)s, tried once",
        "%(follower)s has failed at notification %(id)s of %(upstream)s, tried %(count)s times",
        follower.attempts,
        **_attempts(follower),
    )


def _retrying(follower: FollowerStatus) -> Words:
    return Words.ngettext(
        "%(follower)s tries notification %(id)s of %(upstream)s again, which has failed once",
        "%(follower)s tries notification %(id)s of %(upstream)s again, which has failed "
        "%(count)s times",
        follower.attempts,
        **_attempts(follower),
    )


def _attempts(follower: FollowerStatus) -> dict[str, object]:
    return {
        "follower": follower.name,
        "id": follower.failed_notification,
        "upstream": follower.failed_upstream,
        "count": Figure.of(follower.attempts),
    }


def _pending(follower: FollowerStatus) -> Words:
    return Words.ngettext(
        "%(count)s event is pending",
        "%(count)s events are pending",
        follower.behind + follower.is_more,
        count=_number(follower),
    )


def _parked(follower: FollowerStatus) -> Words:
    return Words.ngettext(
        "%(count)s notification is set aside",
        "%(count)s notifications are set aside",
        follower.parked + follower.is_more_parked,
        count=counted(follower.parked, is_more=follower.is_more_parked),
    )


def _number(follower: FollowerStatus) -> Figure:
    return counted(follower.behind, is_more=follower.is_more)
