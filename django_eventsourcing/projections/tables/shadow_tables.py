"""Shadow tables: a second set of tables for models, filled while the first one serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from django_eventsourcing.projections.tables.aside import TablesAside
from django_eventsourcing.projections.tables.errors import (
    LeftoverTablesError,
    MissingTablesError,
    ShadowTablesError,
    SwapRefusedError,
)
from django_eventsourcing.projections.tables.foreign_keys import ForeignKey
from django_eventsourcing.projections.tables.mysql import MySQLTablesAside
from django_eventsourcing.projections.tables.postgresql import PostgreSQLTablesAside
from django_eventsourcing.projections.tables.projected_models import with_through_models
from django_eventsourcing.projections.tables.redirecting import redirected
from django_eventsourcing.projections.tables.sqlite import SQLiteTablesAside

__all__ = ["ShadowTables"]

_KINDS: Mapping[str, type[TablesAside]] = {
    "postgresql": PostgreSQLTablesAside,
    "mysql": MySQLTablesAside,
    "sqlite": SQLiteTablesAside,
}


class ShadowTables:
    """
    A second set of tables for models, with the same columns, constraints and indexes.

    Those that Django makes for many-to-many fields belong to them. ``purpose`` is part of the
    tables' names, so that the sets for two purposes may exist at once: ``"shadow"`` is to be
    swapped for the tables in use, and ``"scratch"`` to be compared with them.
    """

    def __init__(
        self,
        models: Iterable[type[Model]],
        alias: str = DEFAULT_DB_ALIAS,
        *,
        purpose: str = "shadow",
    ) -> None:
        self.alias = alias
        self.purpose = purpose
        self.models = with_through_models(models)
        vendor = connections[alias].vendor
        if vendor not in _KINDS:
            raise ShadowTablesError(
                f"Database {alias!r} is {vendor}: {purpose} tables can be made in PostgreSQL, "
                "MariaDB, MySQL and SQLite. Rebuild in place instead."
            )
        self._aside = _KINDS[vendor](alias, self.models, purpose)

    @property
    def names(self) -> Mapping[str, str]:
        """The name of each table, as ``db_table`` has it, by that of the table in use."""
        return dict(self._aside.names)

    def create(self, *, anew: bool = False) -> None:
        """
        Make the tables, empty.

        If some are there, raise ``LeftoverTablesError``, or drop them first if they are to be
        made ``anew``. Tables that could not be swapped are not made for it: what
        ``require_swappable()`` raises comes before they are filled rather than after.
        """
        self._require_no_unfinished_swap()
        if anew:
            self.drop()
        elif left := self._aside.existing():
            raise LeftoverTablesError(
                f"There are {self.purpose} tables already, of {', '.join(left)}: another process "
                "fills them, or one has not come to its end. Go on with them, or drop them first."
            )
        if self.is_to_be_swapped:
            self._require_nothing_lost()
        self._aside.create()
        if self.is_to_be_swapped:
            try:
                self._require_same()
            except SwapRefusedError:
                self.drop()
                raise

    def exist(self) -> bool:
        """Tell whether all the tables are there."""
        return len(self._aside.existing()) == len(self.models)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """
        Let the ORM read and write these tables for the models, and leave all as it was.

        For a process of its own, like a management command: it holds for all threads, so nothing
        else may use the models meanwhile. It cannot be entered twice. SQL that is not the ORM's
        takes the name from the model's ``_meta.db_table``; where it names a table in use,
        ``ShadowTablesError`` is raised in its place.
        """
        self._require_all()
        with redirected(self._aside):
            yield

    @property
    def is_to_be_swapped(self) -> bool:
        """Whether the tables are to take the place of those in use; scratch tables are not."""
        return self.purpose != "scratch"

    def foreign_keys(self) -> Sequence[ForeignKey]:
        """Return the foreign keys from other tables, which a swap points to these ones."""
        return self._aside.foreign_keys()

    def require_swappable(self) -> None:
        """
        Raise the reason why the tables could not be swapped for those in use at this moment.

        ``MissingTablesError`` if they are not there, ``SwapRefusedError`` if something would be
        lost or changed, and ``OrphanedRowsError`` if rows of other tables refer to rows that are
        not in these.
        """
        self._require_all()
        self._require_nothing_lost()
        self._require_same()
        self._aside.require_no_orphans(self.foreign_keys(), self.names)

    def swap(self, also: Callable[[], None] | None = None, *, patience: float = 30.0) -> None:
        """
        Put the tables in the place of those in use, under their names, and drop the old ones.

        PostgreSQL and SQLite do it in one transaction, to which ``also()`` belongs: a position
        that it moves is committed with the swap, or neither is. MariaDB and MySQL rename all the
        tables at once, then call ``also()``, and then point foreign keys to the new tables and
        drop the old ones; if that is interrupted, call ``swap()`` again, which goes on from there
        and calls ``also()`` again.

        Wait up to ``patience`` seconds for others to leave the tables, without being in the way
        of those who come; then raise ``SwapDelayedError``, with nothing changed. What
        ``require_swappable()`` raises leaves everything as it was, too.
        """
        if self.connection_is_busy:
            raise ShadowTablesError(
                f"Database {self.alias!r} is in a transaction: tables are swapped in one of "
                "their own. End it first, and give what belongs to the swap as `also`."
            )
        if not self._aside.unfinished():
            self.require_swappable()
        self._aside.swap(also or _nothing, patience)

    def drop(self) -> None:
        """Drop those of the tables that are there."""
        self._aside.drop()

    @property
    def connection_is_busy(self) -> bool:
        """Whether the calling thread's connection is in a transaction."""
        return bool(connections[self.alias].in_atomic_block)

    def _require_all(self) -> None:
        missing = set(self._aside.live).difference(self._aside.existing())
        if missing:
            raise MissingTablesError(
                f"There are no {self.purpose} tables of {', '.join(sorted(missing))}. "
                "Make them with `create(anew=True)`, and fill them."
            )

    def _require_no_unfinished_swap(self) -> None:
        if self._aside.unfinished():
            raise ShadowTablesError(
                f"A swap of {', '.join(self._aside.live)} was interrupted. Swap again: that "
                "brings it to its end."
            )

    def _require_nothing_lost(self) -> None:
        if lost := self._aside.would_be_lost():
            raise SwapRefusedError(
                f"A swap would lose: {'; '.join(lost)}. Drop it and make it again after the swap, "
                "or rebuild in place."
            )

    def _require_same(self) -> None:
        if differences := self._aside.differences():
            raise SwapRefusedError(
                f"The tables in use are not what the models say: {'; '.join(differences)}. "
                "Migrate, or bring model and table together, so that a swap changes rows alone."
            )


def _nothing() -> None:
    """Do nothing besides."""
