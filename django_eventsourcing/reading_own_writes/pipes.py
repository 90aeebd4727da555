"""Pipes: what is to be processed, from one application to the next, before a read is up to date."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, cast

from django.db import connections

from django_eventsourcing.problems import class_path
from django_eventsourcing.reading_own_writes.errors import NotCommittedError
from django_eventsourcing.registry import ConfiguredSystem, system_of
from django_eventsourcing.remembering import Writes
from django_eventsourcing.transactions import is_blind, is_to_be_committed
from eventsourcing.application import Application
from eventsourcing.persistence import Recording
from eventsourcing.system import Follower

__all__ = ["Awaited", "NotificationIds", "Pipe", "pipes_for", "pipes_of", "require_follower"]


class NotificationIds(Protocol):
    """A mapping of ids of notifications by applications, which are given as classes or by name."""

    # A mapping's own type would have to name the very type of its keys, such as type[DogSchool].
    def items(self) -> AbstractSet[tuple[type[Application] | str, int | None]]: ...


Awaited = int | NotificationIds | Sequence[Recording] | None
"""A notification of the only upstream, or of each of several, or what ``save()`` has returned."""


class Pipe:
    """The way of one notification into a follower."""

    def __init__(
        self,
        system: ConfiguredSystem,
        upstream: str,
        follower: str,
        notification_id: int = 0,
        *,
        carries_on: bool = False,
    ) -> None:
        self.system = system
        self.upstream = upstream
        self.follower = follower
        self.notification_id = notification_id
        self._carries_on = carries_on
        self._leader = system.get(upstream).recorder
        self._recorder = cast(Follower, system.get(follower)).recorder
        self._mark = 0

    def is_done(self) -> bool:
        """
        Look whether the follower has processed the notification.

        Where the upstream is a follower that carries on what was waited for before, what it has
        recorded until the first look is to be processed as well.
        """
        self._mark = self._recorder.announcer.mark()
        if self._carries_on:
            with self._leader.attempt():
                recorded = self._leader.max_notification_id() or 0
            self.notification_id = max(self.notification_id, recorded)
            self._carries_on = False
        with self._recorder.attempt():
            return not self.notification_id or self._recorder.has_tracking_id(
                self.upstream, self.notification_id
            )

    def pause(self, seconds: float) -> None:
        """Wait until the follower has committed something in this process, or so many seconds."""
        self._recorder.announcer.wait(self._mark, seconds)

    def renew(self) -> None:
        """Let the connections of the calling thread be opened anew, where they are lost."""
        self._leader.renew()
        self._recorder.renew()

    def require_committed(self) -> None:
        """Raise ``NotCommittedError`` within a transaction that has recorded upstream events."""
        alias = getattr(self._leader, "alias", None)
        if alias is None or not is_to_be_committed(connections[alias]):
            return
        announce = self._leader.announcer.announce
        if any(callback == announce for _, callback, *_ in connections[alias].run_on_commit):
            raise NotCommittedError(
                f"{self.follower} is waited for in a transaction that has recorded events of "
                f"{self.upstream}: notification {self.notification_id} may be one of them, which "
                f"are processed after the commit.  HINT: Wait after the 'atomic' block; under "
                f"ATOMIC_REQUESTS, in the next request."
            )

    @property
    def is_in_the_dark(self) -> bool:
        """Whether the calling thread's transaction keeps new positions from being seen."""
        alias = getattr(self._recorder, "alias", None)
        if alias is None or not is_to_be_committed(connections[alias]):
            return False
        # On SQLite, moreover, the follower may have to wait for the end of the transaction.
        return connections[alias].vendor == "sqlite" or is_blind(connections[alias])


def pipes_for(follower: type[Application] | str, awaited: Awaited) -> list[Pipe]:
    """Return what is to be done before the follower has processed what is awaited."""
    system, name = require_follower(follower)
    upstreams = system.upstreams_of(name)
    if awaited is None:
        return []
    if isinstance(awaited, Writes):
        return pipes_of(system, name, awaited)
    if isinstance(awaited, Mapping):
        given = _by_name(system, name, awaited)
    else:
        id_ = _last(awaited) if isinstance(awaited, Sequence) else _checked(awaited)
        given = {_only(name, upstreams, id_): id_} if id_ else {}
    return [Pipe(system, upstream, name, id_) for upstream, id_ in given.items()]


def require_follower(follower: type[Application] | str) -> tuple[ConfiguredSystem, str]:
    """Return the follower's system and name; raise ``ValueError`` if it follows nothing."""
    system = system_of(follower)
    name = follower if isinstance(follower, str) else follower.name
    if name not in system.system.followers:
        raise ValueError(
            f"{name} follows no other application, so there is nothing to wait for.  HINT: The "
            f"followers of the system {system.alias!r} are {_listed(system.system.followers)}."
        )
    return system, name


def pipes_of(system: ConfiguredSystem, follower: str, writes: Mapping[str, int]) -> list[Pipe]:
    """
    Return all that is between the writes and the follower, in the order in which it comes to pass.

    The writes of applications from which no pipes lead to the follower do not matter.
    """
    found = _between(system, follower, writes, {follower})
    return list({(pipe.upstream, pipe.follower): pipe for pipe in found}.values())


def _between(
    system: ConfiguredSystem, follower: str, writes: Mapping[str, int], passed: set[str]
) -> Iterator[Pipe]:
    for upstream in system.upstreams_of(follower):
        if upstream in passed:
            continue
        before: list[Pipe] = []
        if upstream in system.system.followers:
            before = list(_between(system, upstream, writes, {*passed, upstream}))
        if before or upstream in writes:
            yield from before
            written = writes.get(upstream, 0)
            yield Pipe(system, upstream, follower, written, carries_on=bool(before))


def _by_name(
    system: ConfiguredSystem, follower: str, awaited: Mapping[type[Application] | str, int | None]
) -> dict[str, int]:
    """Return the ids by the upstreams' names; of two for one of them, the later."""
    upstreams = system.upstreams_of(follower)
    given: dict[str, int] = {}
    for key, id_ in awaited.items():
        if id_ is None:
            continue
        upstream = _name_of(system, key)
        if upstream not in upstreams:
            shown = class_path(key) if isinstance(key, type) else repr(key)
            raise ValueError(
                f"{follower} does not follow {shown}.  HINT: It follows {_listed(upstreams)}; "
                f"what is further upstream is awaited of those in between."
            )
        given[upstream] = max(_checked(id_), given.get(upstream, 0))
    return given


def _name_of(system: ConfiguredSystem, key: type[Application] | str) -> str | None:
    """Return the application's name; ``None`` for a class that the system does not have."""
    if isinstance(key, str):
        return key
    return next((name for name in system.names if system.class_of(name) is key), None)


def _only(name: str, upstreams: Sequence[str], id_: int) -> str:
    if len(upstreams) > 1:
        raise ValueError(
            f"{name} follows {_listed(upstreams)}: notification {id_} may be of each.  HINT: Name "
            f"the one that is meant, as in wait_for({name}, {{{upstreams[0]!r}: {id_}}})."
        )
    return upstreams[0]


def _last(recordings: Sequence[Recording]) -> int:
    if not all(isinstance(each, Recording) for each in recordings):
        raise _not_awaitable(recordings)
    return max((each.notification.id for each in recordings), default=0)


def _checked(id_: object) -> int:
    if not isinstance(id_, int) or isinstance(id_, bool) or id_ < 0:
        raise _not_awaitable(id_)
    return id_


def _not_awaitable(value: object) -> TypeError:
    return TypeError(
        f"The notification to wait for is {value!r}.  HINT: Give the id of a notification, ids by "
        f"upstream applications or their names, or what save() has returned."
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
