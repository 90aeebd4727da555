"""Interfaces: an application's notification log as text, for readers elsewhere."""

import json
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from eventsourcing.application import Application, NotificationLog, Section
from eventsourcing.persistence import Notification

__all__ = [
    "NotificationLogInterface",
    "NotificationLogJSONClient",
    "NotificationLogJSONService",
]

TApplication = TypeVar("TApplication", bound=Application)


class NotificationLogInterface(ABC):
    """What a reader elsewhere can ask of a notification log; the answers are text."""

    @abstractmethod
    def get_log_section(self, section_id: str) -> str:
        """Return a section of the log."""

    @abstractmethod
    def get_notifications(
        self,
        start: int | None,
        limit: int,
        topics: Sequence[str] = (),
        *,
        stop: int | None = None,
        inclusive_of_start: bool = True,
    ) -> str:
        """Return a list of notifications; see ``NotificationLog.select()``."""


class NotificationLogJSONService(NotificationLogInterface, Generic[TApplication]):
    """
    Presents an application's notification log as JSON.

    State is in Base64, ids of originators are 32 hexadecimal digits. Where such an id is a text
    rather than a UUID, ``originator_id_type`` is ``"str"``.
    """

    def __init__(self, app: TApplication) -> None:
        self.app = app

    def get_log_section(self, section_id: str) -> str:
        section = self.app.notification_log[section_id]
        return _dumps(
            {
                "id": section.id,
                "next_id": section.next_id,
                "items": [_encoded(item) for item in section.items],
            }
        )

    def get_notifications(
        self,
        start: int | None,
        limit: int,
        topics: Sequence[str] = (),
        *,
        stop: int | None = None,
        inclusive_of_start: bool = True,
    ) -> str:
        notifications = self.app.notification_log.select(
            start, limit, stop, topics, inclusive_of_start=inclusive_of_start
        )
        return _dumps([_encoded(notification) for notification in notifications])


class NotificationLogJSONClient(NotificationLog):
    """Reads a notification log elsewhere, by an interface whose answers are JSON."""

    def __init__(self, interface: NotificationLogInterface) -> None:
        self.interface = interface

    def __getitem__(self, section_id: str) -> Section:
        section = json.loads(self.interface.get_log_section(section_id))
        return Section(
            id=section["id"],
            items=[_decoded(item) for item in section["items"]],
            next_id=section["next_id"],
        )

    def select(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        text = self.interface.get_notifications(
            start, limit, topics, stop=stop, inclusive_of_start=inclusive_of_start
        )
        return [_decoded(item) for item in json.loads(text)]


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _encoded(notification: Notification) -> dict[str, Any]:
    originator_id = notification.originator_id
    item: dict[str, Any] = {
        "id": notification.id,
        "originator_id": originator_id,
        "originator_version": notification.originator_version,
        "topic": notification.topic,
        "state": b64encode(notification.state).decode("ascii"),
    }
    if isinstance(originator_id, UUID):
        item["originator_id"] = originator_id.hex
    else:
        item["originator_id_type"] = "str"
    return item


def _decoded(item: dict[str, Any]) -> Notification:
    is_text = item.get("originator_id_type") == "str"
    return Notification(
        id=item["id"],
        originator_id=item["originator_id"] if is_text else UUID(item["originator_id"]),
        originator_version=item["originator_version"],
        topic=item["topic"],
        state=b64decode(item["state"]),
    )
