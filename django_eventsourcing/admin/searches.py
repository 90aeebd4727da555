"""Searches: what is looked for in a log, as it is written in one line."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import BinaryField, BooleanField, F, Func, Model, Q, QuerySet, Subquery, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext as _

from django_eventsourcing.admin.paging import (
    Cursor,
    Page,
    parse_id,
    read_page,
    read_stream_page,
)
from django_eventsourcing.at_once import read_at_once
from django_eventsourcing.catalogue import topics_named
from django_eventsourcing.metadata.values import CORRELATION, USER
from django_eventsourcing.payloads import visible
from django_eventsourcing.querysets import StoredEventQuerySet, recorded
from eventsourcing.persistence import Notification

__all__ = [
    "FINE_WINDOW",
    "QUALIFIERS",
    "TEXT",
    "Rules",
    "Search",
    "SearchError",
    "Selection",
    "read_search",
    "term",
]

QUALIFIERS = ("id", "originator", "topic", "correlation", "user")
TEXT = "text"
"""What is looked for by no qualifier."""
WINDOW = 40_000
"""Ids that are searched for a page by what stands in a column of its own, without an index."""
FINE_WINDOW = 10_000
"""Ids that are searched for a page in metadata and in what events say."""
_TERM = re.compile(r'(?:([^\s":]*):)?(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))?(?=\s|$)')
_SHOWN = 80
M = TypeVar("M", bound=Model)


class SearchError(ValueError):
    """A search that cannot be read; the message is for the one who wrote it."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What may be searched, where, and by whom."""

    known: Sequence[str]
    """The qualifiers, and ``text``, if that may be searched."""
    originator_id: Callable[[str], UUID | str]
    """Returns the id as the records have it; raises ``ValidationError`` if it is none."""
    hidden: Sequence[str] = ()
    """The qualifiers that are for those who may see payloads."""
    reads_states: bool = False
    """Whether texts are looked for in what events say, too."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Records that are selected by what is indexed, and what is left to be looked at in each."""

    scope: QuerySet[Any]
    matching: Q | None
    window: int
    """Ids that are to be looked at for a page, at most."""
    is_stream: bool = False
    """Whether they are those of one originator in one application, in the order of versions."""

    def page(self, cursor: Cursor, *, columns: Sequence[str], size: int) -> Page[Any]:
        """Return the records at the cursor, with these columns."""
        records = self.scope.only(*columns)
        page = None
        if self.is_stream and self.matching is None:
            page = read_stream_page(records, cursor, size=size)
        return page or read_page(
            records, cursor, size=size, matching=self.matching, window=self.window
        )


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is looked for; all of it must hold."""

    ids: list[int] = field(default_factory=list)
    originators: list[UUID | str] = field(default_factory=list)
    topics: list[Sequence[str]] = field(default_factory=list)
    """Each holds topics of which an event is to have one."""
    correlations: list[str] = field(default_factory=list)
    users: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    reads_states: bool = False

    def select(
        self, in_order: QuerySet[M], every: QuerySet[M], names: Sequence[str], matching: Q
    ) -> Selection:
        """
        Return the records that are looked for.

        ``in_order`` are those among which there are to be, in the order of ids; ``every`` are all
        of the table, among which those of the applications ``names`` are found by other indexes.
        ``matching`` is another condition on them, for which there is no index.
        """
        conditions = {
            "originators": [Q(originator_id=each) for each in self.originators],
            "topics": [Q(topic__in=each) for each in self.topics],
            "correlations": [recorded(CORRELATION, each) for each in self.correlations],
            "users": [recorded(USER, each) for each in self.users],
            "texts": [_has_text(each, self.reads_states) for each in self.texts],
        }
        mine = every.filter(application_name__in=names)
        scope, is_stream = in_order, False
        if self.ids:
            scope, used = in_order, list(conditions)
            for id_ in self.ids:
                scope = scope.filter(id=id_)
            # There is one such record at most.
            scope, matching = scope.filter(matching), Q()
        elif self.originators:
            scope, used = mine, ["originators"]
            owners = _owners(every, names, self.originators[0])
            if len(owners) == 1:
                is_stream = True
                scope = every.filter(application_name=owners[0]).order_by("originator_version")
        elif self.correlations and _is_indexed(every):
            scope, used = mine.correlated_by(self.correlations[0]), ["correlations"]  # type: ignore[attr-defined]
        else:
            used = []
        for name, found in conditions.items():
            for condition in found:
                if name in used:
                    scope = scope.filter(condition)
                else:
                    matching &= condition
        is_fine = any(conditions[n] for n in ("correlations", "users", "texts") if n not in used)
        return Selection(
            scope=scope,
            matching=matching or None,
            window=FINE_WINDOW if is_fine else WINDOW,
            is_stream=is_stream,
        )

    def matches(self, notification: Notification) -> bool:
        """Tell whether a notification is looked for, by what it has without metadata."""
        return (
            all(notification.id == each for each in self.ids)
            and all(str(notification.originator_id) == str(each) for each in self.originators)
            and all(notification.topic in each for each in self.topics)
            and all(self._has(notification, each) for each in self.texts)
            and not (self.correlations or self.users)
        )

    def _has(self, notification: Notification, text: str) -> bool:
        if text in notification.topic:
            return True
        state = bytes(notification.state)
        is_read = self.reads_states and state.startswith(b"{")
        return is_read and any(form in state for form in _in_json(text))


def read_search(text: str, rules: Rules) -> Search:
    """Return what is looked for; raise ``SearchError`` where that cannot be understood."""
    search = Search(reads_states=rules.reads_states)
    for name, value in _terms(text):
        shown = visible(f"{name}:{value}"[:_SHOWN] if name else value[:_SHOWN])
        if name not in (*rules.known, ""):
            raise SearchError(
                _(
                    "“%(term)s”: there is no qualifier “%(name)s”. There are %(known)s. A text "
                    "with a colon needs quotes around it."
                )
                % {"term": shown, "name": visible(name[:_SHOWN]), "known": _listed(rules)}
            )
        if not name and TEXT not in rules.known:
            raise SearchError(
                _("“%(term)s”: say what that is by one of %(known)s.")
                % {"term": shown, "known": _listed(rules)}
            )
        if name in rules.hidden:
            raise SearchError(
                _("“%(term)s”: to search by %(name)s, you need the permission “Can see payloads”.")
                % {"term": shown, "name": name}
            )
        if not value:
            raise SearchError(
                _("“%(term)s” has no value. Give one behind the colon, such as id:17.")
                % {"term": shown or '""'}
            )
        _add(search, rules, name, value, shown)
    return search


def term(name: str, value: object) -> str:
    """Return a qualifier with its value, as it is written in a search."""
    text = str(value)
    if not re.fullmatch(r'[^\s"]+', text):
        text = '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
    return f"{name}:{text}"


def _add(search: Search, rules: Rules, name: str, value: str, shown: str) -> None:
    match name:
        case "id":
            number = parse_id(value)
            if number is None:
                raise SearchError(
                    _("“%(term)s” is not the ID of a record. Give a number, such as id:17.")
                    % {"term": shown}
                )
            search.ids.append(number)
        case "originator":
            try:
                search.originators.append(rules.originator_id(value))
            except ValidationError as error:
                raise SearchError(
                    _("“%(term)s” is not an originator's ID. Give all 32 digits of it.")
                    % {"term": shown}
                ) from error
        case "topic":
            topics = topics_named(value)
            if not topics:
                raise SearchError(
                    _(
                        "“%(term)s”: the code defines no event class of this name. Give the name "
                        "of a class, the last part of it, or a whole topic."
                    )
                    % {"term": shown}
                )
            search.topics.append(topics)
        case "correlation":
            search.correlations.append(value)
        case "user":
            search.users.append(value)
        case _:
            search.texts.append(value)


def _terms(text: str) -> list[tuple[str, str]]:
    """Return qualifiers, empty for a text without one, and values."""
    found = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position)
        if match is None or match.end() == position:
            raise SearchError(
                _("“%(term)s”: a quote is not closed, or stands within a word.")
                % {"term": visible(text[position : position + _SHOWN])}
            )
        name, quoted, plain = match.groups()
        value = plain or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if name == "":
            # A colon by itself is no qualifier: it is told as one that there is not.
            name = ":"
        found.append(((name or "").lower(), value))
        position = match.end()
    return found


def _listed(rules: Rules) -> str:
    return ", ".join(f"{name}:" for name in rules.known if name != TEXT)


def _owners(records: QuerySet[Any], names: Sequence[str], originator_id: UUID | str) -> list[str]:
    """Return the applications, among the named ones, that have records of the originator."""
    if len(names) < 2:
        return list(names)
    mine = records.filter(originator_id=originator_id).order_by().values("application_name")
    found = {name: Subquery(mine.filter(application_name=name)[:1]) for name in names}
    return [name for name, owner in read_at_once(records.db, found).items() if owner is not None]


def _is_indexed(records: QuerySet[Any]) -> bool:
    return isinstance(records, StoredEventQuerySet) and records.has_correlation_index()


def _has_text(text: str, reads_states: bool) -> Q:
    found = Q(GreaterThan(StrIndex(F("topic"), Value(text)), 0))
    if reads_states:
        for form in _in_json(text):
            found |= Q(_PlainStateHas(F("state"), Value(form, output_field=BinaryField())))
    return found


def _in_json(text: str) -> list[bytes]:
    """Return the forms that a text has within JSON."""
    forms = (json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (False, True))
    return list(dict.fromkeys(form.encode(errors="replace") for form in forms))


class _PlainStateHas(Func):
    """Whether a state that is plain JSON has these bytes."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]
        (state, nothing), (value, params) = map(compiler.compile, self.source_expressions)
        begins, has = _HAS[connection.vendor]
        # What is compressed or encrypted may have any bytes, and says nothing by them.
        sql = f"({begins} AND {has})".format(state=state, value=value)
        return sql, (*nothing, *params)


_HAS = {
    "postgresql": (r"substr({state}, 1, 1) = '\x7b'::bytea", "position({value} in {state}) > 0"),
    "sqlite": ("substr({state}, 1, 1) = X'7B'", "instr({state}, {value}) > 0"),
    "mysql": ("substr({state}, 1, 1) = X'7B'", "instr({state}, {value}) > 0"),
}
