"""Followers that process what an application records before its transaction is committed."""

import json
from collections.abc import Sequence
from typing import cast

from django.db import connections
from django.utils import timezone

from django_eventsourcing.dead_letters.letters import recorder_of
from django_eventsourcing.metadata import metadata_to_record
from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoProcessRecorder
from django_eventsourcing.recorders.notifications import RecordedNotification
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent, Tracking
from eventsourcing.system import Follower

__all__ = ["SynchronousFollowers"]


class SynchronousFollowers:
    """
    Those followers of an application that the settings say are synchronous.

    Whether one is, the database decides: its position says so, and is looked up by each transaction
    after it has taken its place in the order of commits. From there on, nobody changes it before
    the transaction has ended. A follower of which the database says otherwise is left to workers;
    one of which it says nothing yet is synchronous from the first event on.
    """

    def __init__(
        self, system: ConfiguredSystem, leader: Application, followers: Sequence[str]
    ) -> None:
        self._system = system
        self._leader = leader
        self._followers = followers

    def __call__(self, stored_events: Sequence[StoredEvent], ids: Sequence[int]) -> None:
        """Let them process the events, which the calling thread's transaction has recorded."""
        notifications: list[RecordedNotification] = []
        for name in self._followers:
            follower = cast(Follower, self._system.get(name))
            recorder = recorder_of(follower)
            is_synchronous = recorder.is_synchronous(self._leader.name)
            if is_synchronous is None:
                is_synchronous = self._begin(recorder, ids[0])
            if is_synchronous:
                notifications = notifications or self._notifications(stored_events, ids)
                self._process(follower, recorder, notifications)

    def _begin(self, recorder: DjangoProcessRecorder, first_id: int) -> bool:
        upstreams = self._system.upstreams_of(recorder.application_name)
        modes = {name: recorder.is_synchronous(name) for name in upstreams}
        if any(mode is False for mode in modes.values()):
            return False
        untouched = [name for name, mode in modes.items() if mode is None]
        if any(self._is_recorded(name, first_id) for name in untouched):
            # Perhaps by a transaction that has begun it since.
            return bool(recorder.is_synchronous(self._leader.name))
        return recorder.begin_synchronously(untouched)

    def _is_recorded(self, upstream: str, first_id: int) -> bool:
        """Tell whether the log has events besides those of this transaction, from the id on."""
        recorder = cast(DjangoApplicationRecorder, self._system.get(upstream).recorder)
        events = recorder.log.of(upstream)
        return (events.until(first_id - 1) if upstream == self._leader.name else events).exists()

    def _process(
        self,
        follower: Follower,
        recorder: DjangoProcessRecorder,
        notifications: Sequence[RecordedNotification],
    ) -> None:
        upstream = self._leader.name
        if upstream not in follower.readers:
            follower.follow(upstream, self._leader.notification_log, self._leader.mapper)
        for notification in notifications:
            if follower.topics and notification.topic not in follower.topics:
                continue
            with recorder.processing_at_once(Tracking(upstream, notification.id)):
                follower.process_notification(upstream, notification)
                # Where it has caught an error of the database, all would be rolled back at the end
                # without a word, and be taken for recorded.
                connections[recorder.alias].validate_no_broken_transaction()
        recorder.on_commit(recorder.announcer.announce)

    def _notifications(
        self, stored_events: Sequence[StoredEvent], ids: Sequence[int]
    ) -> list[RecordedNotification]:
        metadata, time = json.dumps(metadata_to_record()), timezone.now().isoformat()
        alias = cast(DjangoApplicationRecorder, self._leader.recorder).alias
        return [
            RecordedNotification(
                event.originator_id,
                event.originator_version,
                event.topic,
                event.state,
                id_,
                metadata,
                time,
                alias,
            )
            for event, id_ in zip(stored_events, ids, strict=True)
        ]
