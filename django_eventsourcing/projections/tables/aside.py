"""What each kind of database has to offer for tables beside those in use."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.ddl_references import Statement
from django.db.models import Model

from django_eventsourcing.conflicts import is_lock_conflict
from django_eventsourcing.projections.tables.errors import OrphanedRowsError, SwapDelayedError
from django_eventsourcing.projections.tables.foreign_keys import ForeignKey, orphans_query
from django_eventsourcing.projections.tables.renaming import renamed, sharing

__all__ = ["Definitions", "TablesAside", "definitions_that_differ"]

Definitions = Mapping[str, Hashable]
"""What a table consists of: what each part is by its name, ``index board_name_idx``."""

_PAUSE = 0.25
"""Seconds in which others get on, between two attempts to lock the tables."""


class TablesAside(ABC):
    """Tables for models in a database, which nobody uses before they are swapped for others."""

    schema: str = ""
    """The schema of the tables, where they have one of their own."""

    def __init__(self, alias: str, models: Sequence[type[Model]], purpose: str) -> None:
        self.alias = alias
        self.models = models
        self.purpose = purpose
        self.live = [model._meta.db_table for model in models]
        """The names of the tables in use."""

    @property
    @abstractmethod
    def names(self) -> Mapping[str, str]:
        """The ``db_table`` of each table aside, by that of the one in use."""

    @abstractmethod
    def existing(self) -> Sequence[str]:
        """Return the tables in use that have one aside."""

    @abstractmethod
    def create(self) -> None:
        """Make the tables; none of them is there."""

    @abstractmethod
    def drop(self) -> None:
        """Drop those tables that are there."""

    @abstractmethod
    def foreign_keys(self) -> Sequence[ForeignKey]:
        """Return the foreign keys from other tables to those in use."""

    @abstractmethod
    def would_be_lost(self) -> Sequence[str]:
        """Return what hangs on the tables in use and cannot be carried over, each with its name."""

    @abstractmethod
    def differences(self) -> Sequence[str]:
        """Return in what the tables aside are not like those in use."""

    @abstractmethod
    def swap(self, also: Callable[[], None], patience: float) -> None:
        """Put the tables in the place of those in use, which are dropped."""

    def unfinished(self) -> bool:
        """Tell whether a swap has to be gone on with; never where it is one transaction."""
        return False

    def guarded(self, sql: str) -> str:
        """Return the statement as the database takes it while the tables are in use by the ORM."""
        return sql

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """The calling thread's connection."""
        return connections[self.alias]

    def quote(self, name: str) -> str:
        """Return the name as SQL has it."""
        return str(self.connection.ops.quote_name(name))

    def run(self, sql: str, params: Sequence[Any] | Mapping[str, Any] | None = None) -> list[Any]:
        """Execute a statement and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params)
            return list(cursor.fetchall()) if cursor.description else []

    def make_tables(self, index_name: Callable[[str], str] = str) -> None:
        """
        Let the schema editor make the tables under the names that the models have now.

        ``index_name`` gives an index that is made by itself another name.
        """
        editor: Any = self.connection.SchemaEditorClass(self.connection, atomic=False)
        editor.deferred_sql = []
        for model in self.models:
            if not model._meta.auto_created:
                editor.create_model(model)
        for statement in filter(None, editor.deferred_sql):
            if isinstance(statement, Statement) and " INDEX " in statement.template:
                parts: dict[str, Any] = statement.parts
                name = str(parts["name"]).strip('"`')
                parts["name"] = self.quote(index_name(name))
            editor.execute(statement, None)

    @contextmanager
    def with_names(self) -> Iterator[None]:
        """Let the models have the names of the tables aside."""
        models = dict.fromkeys([*self.models, *sharing(self.live)])
        with renamed(list(models), self.names):
            yield

    def require_no_orphans(
        self,
        keys: Iterable[ForeignKey],
        names: Mapping[str, str],
        state: str = "The tables have not been swapped",
    ) -> None:
        """Raise ``OrphanedRowsError`` if rows of other tables refer to none in the tables named."""
        found = []
        for key in keys:
            query = orphans_query(
                key,
                self.quote(names[key.target]),
                [self.quote(each) for each in key.columns],
                [self.quote(each) for each in key.target_columns],
            )
            ((count,),) = self.run(query)
            if count:
                found.append(f"{count:,} in {key}, to {key.target}")
        if found:
            raise OrphanedRowsError(
                f"{state}: rows of other tables refer to rows which the new ones do "
                f"not have: {'; '.join(found)}. Delete those rows or point them "
                "elsewhere, then swap again; or let the projection give the same keys as before."
            )

    def with_patience(self, attempt: Callable[[], None], patience: float) -> None:
        """
        Attempt it until it gets its locks; others get on in between.

        Raise ``SwapDelayedError`` when it has not got them within ``patience`` seconds.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                return attempt()
            except OperationalError as error:
                if not is_lock_conflict(error):
                    raise
                if time.monotonic() >= deadline:
                    raise SwapDelayedError(
                        f"Others have kept {', '.join(self.live)}, or a table that is joined to "
                        f"them by a foreign key, locked for {patience:g} seconds. Nothing is "
                        "changed. Try again when their transactions are over, or end them."
                    ) from error
            time.sleep(_PAUSE)


def definitions_that_differ(table: str, live: Definitions, aside: Definitions) -> list[str]:
    """Return in what two tables differ; names of what is otherwise the same do not matter."""
    told = []
    missing = Counter(live.values()) - Counter(aside.values())
    surplus = Counter(aside.values()) - Counter(live.values())
    told += [
        f"{name} of {table} is not in the model"
        for name, definition in live.items()
        if definition in missing
    ]
    told += [
        f"{name} of {table} is in the model, but not in the database"
        for name, definition in aside.items()
        if definition in surplus
    ]
    return told
