"""Heads: how far the logs of applications go, and what else is asked of them at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db.models.expressions import BaseExpression

from django_eventsourcing.admin.places import Place
from django_eventsourcing.at_once import read_each
from django_eventsourcing.models import AbstractStoredEvent
from django_eventsourcing.querysets import StoredEventQuerySet
from eventsourcing.exceptions import EventSourcingError

__all__ = ["HEAD", "AskedLog", "ask_logs", "read_head"]

HEAD = "head"
"""The answer that is the id of the log's last notification; ``None`` before the first."""

Answers = Mapping[str, Any]
Questions = Mapping[str, BaseExpression]


class AskedLog(NamedTuple):
    """A log, and what is asked of the table that its events are in, besides the head."""

    place: Place
    questions: Callable[[StoredEventQuerySet[AbstractStoredEvent]], Questions] | None = None


def ask_logs(asked: Sequence[AskedLog]) -> list[Answers | Exception]:
    """
    Return the answers of each log, or why there are none, by one statement for each database.

    Of a log that is kept elsewhere than in a table, the head alone is told.
    """
    found: dict[int, Answers | Exception] = {}
    questions: dict[str, dict[tuple[int, str], BaseExpression]] = {}
    for number, (place, ask) in enumerate(asked):
        try:
            if place.is_persisted:
                more = ask(place.events) if ask else {}
                of_log = {HEAD: place.events.head(place.name), **more}
                questions.setdefault(place.database, {}).update(
                    {(number, name): question for name, question in of_log.items()}
                )
            else:
                found[number] = {HEAD: read_head(place)}
        except (DatabaseError, EventSourcingError, ImproperlyConfigured) as error:
            found[number] = error
    for database, every in questions.items():
        found |= _told(database, every)
    return [found[number] for number in range(len(asked))]


def read_head(place: Place) -> int | None:
    """Return the id of the last notification, or ``None`` if there is none."""
    if place.is_persisted:
        return place.events.log(place.name).last_position()
    return place.application.recorder.max_notification_id()


def _told(
    database: str, questions: Mapping[tuple[int, str], BaseExpression]
) -> dict[int, Answers | Exception]:
    """Return the answers by the numbers of the logs; one that fails hides no other log's."""
    try:
        answers = read_each(database, questions)
    except DatabaseError as error:
        return {number: error for number, _ in questions}
    found: dict[int, dict[str, Any]] = {}
    for (number, name), answer in answers.items():
        found.setdefault(number, {})[name] = answer
    return {number: _first_error(of_log) or of_log for number, of_log in found.items()}


def _first_error(answers: Answers) -> Exception | None:
    return next((each for each in answers.values() if isinstance(each, Exception)), None)
