"""Savepoints: those that are rolled back, with what has been recorded since they were made."""

import re
from collections.abc import Callable
from typing import Any, ParamSpec

from django_eventsourcing.compounds import GUARD

__all__ = ["Savepoints"]

P = ParamSpec("P")

_STATEMENT = re.compile(
    # Whoever traces statements may have put a comment before them.
    r"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
    r"(?:(?P<made>SAVEPOINT)|(?P<ended>RELEASE(?:\s+SAVEPOINT)?)|ROLLBACK\s.*?\bTO(?:\s+SAVEPOINT)?)"
    r"\s+(?P<name>[^\s;]+)",
    re.IGNORECASE | re.DOTALL,
)


class Savepoints:
    """
    Tells whether something is lost that was recorded while a savepoint happened to be open.

    It is a wrapper of statements, as savepoints are made by ``atomic()`` and by hand.
    """

    takes_compounds = True
    """What guards statements that are sent at once has a name of its own."""

    def __init__(self) -> None:
        self.is_anything_lost = False
        self._recorded = 0
        # Those that are open, each with how much had been recorded when it was made.
        self._open: list[tuple[str, int]] = []

    def noting(self, record: Callable[P, bool]) -> Callable[P, None]:
        """Return what calls the function, which tells whether it has recorded anything."""

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            self._recorded += record(*args, **kwargs)

        return call

    def __call__(self, execute: Callable[..., Any], sql: Any, *args: Any) -> Any:
        found = _STATEMENT.match(_text(sql))
        if found is not None and found["name"] != GUARD:
            self._note(found)
        return execute(sql, *args)

    def _note(self, found: "re.Match[str]") -> None:
        name = found["name"]
        if found["made"]:
            self._open.append((name, self._recorded))
            return
        # Of several that have a name, the last is meant; it takes along those made within it.
        while self._open and self._open[-1][0] != name:
            self._open.pop()
        # One that is not among them was made before anything was recorded.
        before = self._open[-1][1] if self._open else 0
        if found["ended"]:
            del self._open[-1:]
        elif before < self._recorded:
            self.is_anything_lost = True


def _text(sql: Any) -> str:
    """Return a statement's text, also of one that psycopg has composed."""
    return sql if isinstance(sql, str) else str(getattr(sql, "as_string", lambda _: sql)(None))
