"""Savepoints: those that are rolled back, with what has been recorded since they were made."""

import re
from collections.abc import Callable
from typing import Any, ParamSpec

__all__ = ["Savepoints"]

P = ParamSpec("P")

_STATEMENT = re.compile(
    r"\s*(SAVEPOINT|ROLLBACK\s.*?\bTO(?:\s+SAVEPOINT)?)\s+([^\s;]+)", re.IGNORECASE
)


class Savepoints:
    """
    Tells whether something is lost that was recorded while a savepoint happened to be open.

    It is a wrapper of statements, as savepoints are made by ``atomic()`` and by hand.
    """

    takes_compounds = True
    """Of statements that are sent at once, a savepoint is the first."""

    def __init__(self) -> None:
        self.is_anything_lost = False
        self._recorded = 0
        # How much had been recorded when a savepoint was made.
        self._before: dict[str, int] = {}

    def noting(self, record: Callable[P, bool]) -> Callable[P, None]:
        """Return what calls the function, which tells whether it has recorded anything."""

        def call(*args: P.args, **kwargs: P.kwargs) -> None:
            self._recorded += record(*args, **kwargs)

        return call

    def __call__(self, execute: Callable[..., Any], sql: Any, *args: Any) -> Any:
        found = _STATEMENT.match(sql) if isinstance(sql, str) else None
        if found is not None:
            verb, name = found.groups()
            if verb.upper() == "SAVEPOINT":
                self._before[name] = self._recorded
            elif self._before.get(name, 0) < self._recorded:
                self.is_anything_lost = True
        return execute(sql, *args)
