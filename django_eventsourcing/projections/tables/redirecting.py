"""Redirecting: the ORM of this process reads and writes other tables for some models."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django_eventsourcing.projections.tables.errors import ShadowTablesError

if TYPE_CHECKING:
    from django_eventsourcing.projections.tables.aside import TablesAside

__all__ = ["redirected"]

_only_one = threading.Lock()


@contextmanager
def redirected(aside: TablesAside) -> Iterator[None]:
    """
    Let the ORM of this process use the tables aside, in whatever thread.

    A statement of the calling thread that names a table in use all the same is refused before it
    reaches the database.
    """
    if not _only_one.acquire(blocking=False):
        raise ShadowTablesError(
            "Shadow tables are in use already in this process. One at a time: leave "
            "`in_use()` before you enter it again, or take another process."
        )
    try:
        with aside.with_names(), aside.connection.execute_wrapper(_guard(aside)):
            yield
    finally:
        _only_one.release()


def _guard(aside: TablesAside) -> Callable[..., Any]:
    names = "|".join(re.escape(name) for name in aside.live)
    named = re.compile(
        r"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|ONLY|TRUNCATE)\s+"
        rf"(?:[\"`]?([\w-]+)[\"`]?\.)?[\"`]?({names})[\"`]?(?![\w.])",
        re.IGNORECASE,
    )

    def guard(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        for found in named.finditer(sql):
            if not aside.schema or found[1] != aside.schema:
                raise ShadowTablesError(
                    f"A statement names the table {found[2]}, which is in use, while the "
                    f"{aside.purpose} tables are to be filled: {sql[:200]}. Take the name from the "
                    "model: `connection.ops.quote_name(Model._meta.db_table)`."
                )
        return execute(aside.guarded(sql), params, many, context)

    return guard
