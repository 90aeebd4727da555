"""Leaders: applications that prompt their followers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from eventsourcing.application import Application
from eventsourcing.environment import EnvType

if TYPE_CHECKING:
    from eventsourcing.persistence import Recording
    from eventsourcing.system.recording_event import RecordingEvent, RecordingEventReceiver

__all__ = ["Leader"]


class Leader(Application):
    """An application that tells receivers, after each commit, what it has recorded."""

    def __init__(self, env: EnvType | None = None) -> None:
        super().__init__(env)
        self.followers: list[RecordingEventReceiver] = []
        self.previous_max_notification_id: int | None = None

    def lead(self, follower: RecordingEventReceiver) -> None:
        """Prompt the receiver from now on."""
        if follower not in self.followers:
            self.followers = [*self.followers, follower]

    def unlead(self, follower: RecordingEventReceiver) -> None:
        """Prompt the receiver no longer."""
        self.followers = [receiver for receiver in self.followers if receiver is not follower]

    def _notify(self, recordings: list[Recording]) -> None:
        super()._notify(recordings)
        if not recordings:
            return
        previous = self.previous_max_notification_id
        self.previous_max_notification_id = recordings[-1].notification.id
        if self.notify_topics:
            recordings = [r for r in recordings if r.notification.topic in self.notify_topics]
        if recordings and self.followers:
            from eventsourcing.system.recording_event import RecordingEvent

            event = RecordingEvent(self.name, recordings, previous)
            self.recorder.on_commit(partial(self._prompt, event))

    def _prompt(self, event: RecordingEvent) -> None:
        for follower in self.followers:
            follower.receive_recording_event(event)
