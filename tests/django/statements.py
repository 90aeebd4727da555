"""Statements: what is asked of a database, by whichever thread, apart from its parameters."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

__all__ = ["Statements"]


class Statements:
    """Collects the statements that are executed, and what their parameters are."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.parameters: list[Any] = []

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Collect from the connections of this thread, and from all that are opened meanwhile."""
        with ExitStack() as stack:
            for connection in connections.all(initialized_only=True):
                stack.enter_context(connection.execute_wrapper(self._collect))
            connection_created.connect(self._join, weak=False)
            stack.callback(connection_created.disconnect, self._join)
            yield

    def _join(self, connection: Any, **kwargs: Any) -> None:
        # A connection of this thread that is opened anew has been joined already.
        if self._collect not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._collect)

    def _collect(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.sql.append(sql)
        self.parameters.append(params)
        return execute(sql, params, many, context)
