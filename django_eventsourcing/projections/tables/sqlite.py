"""SQLite: tables beside those in use, renamed within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.db import transaction

from django_eventsourcing.projections.tables.aside import (
    Definitions,
    TablesAside,
    definitions_that_differ,
)
from django_eventsourcing.projections.tables.errors import ShadowTablesError
from django_eventsourcing.projections.tables.foreign_keys import ForeignKey
from django_eventsourcing.projections.tables.naming import beside

__all__ = ["SQLiteTablesAside"]

_LONGEST_NAME = 200


class SQLiteTablesAside(TablesAside):
    """
    Tables by the name of ``table__shadow``, which a swap renames.

    Names of indexes are taken as long as the tables in use have them, so a swap makes indexes
    again, under those names. It is one transaction, for which other writers wait.
    """

    @property
    def names(self) -> Mapping[str, str]:
        """The names, which tell the purpose."""
        return {name: self._beside(name) for name in self.live}

    def existing(self) -> Sequence[str]:
        """Return the tables in use that have one beside them."""
        return [name for name in self.live if self._sql("table", self.names[name])]

    def create(self) -> None:
        """Make the tables while the models have their names."""
        for name in self.live:
            self._require_table(name)
        with transaction.atomic(using=self.alias), self.with_names():
            self.make_tables(self._beside)

    def drop(self) -> None:
        """Drop the tables without a look at what refers to what."""
        with self._without_foreign_keys(), transaction.atomic(using=self.alias):
            for name in self.existing():
                self.run(f"DROP TABLE {self.quote(self.names[name])}")

    def foreign_keys(self) -> Sequence[ForeignKey]:
        """Return the foreign keys from all other tables."""
        mine = {name.lower(): name for name in self.live}
        aside = {name.lower() for name in self.names.values()}
        return [
            ForeignKey(
                table=self.quote(table),
                name="",
                columns=[column for column, _ in columns],
                target=mine[target.lower()],
                target_columns=[to or self._primary_key(mine[target.lower()]) for _, to in columns],
            )
            for (table,) in self.run(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"
            )
            if table.lower() not in {*mine, *aside}
            for target, columns in self._foreign_keys_of(table)
            if target.lower() in mine
        ]

    def would_be_lost(self) -> Sequence[str]:
        """Return the triggers of the tables in use."""
        found = self.run(
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1"
        )
        mine = {name.lower() for name in self.live}
        return [f"trigger {name} of {table}" for name, table in found if table.lower() in mine]

    def differences(self) -> Sequence[str]:
        """Return in what columns and constraints differ; indexes are made again as they are."""
        told: list[str] = []
        for name in self.live:
            parts = self._definitions(name), self._definitions(self.names[name])
            told += definitions_that_differ(name, *parts)
        return told

    def swap(self, also: Callable[[], None], patience: float) -> None:
        """Rename the tables in one transaction, and make indexes and views as they were."""

        def attempt() -> None:
            with transaction.atomic(using=self.alias):
                self._swap()
                also()

        with self._without_foreign_keys():
            self.with_patience(attempt, patience)

    def _swap(self) -> None:
        keys = self.foreign_keys()
        bystanders = self._take_out_bystanders()
        self.require_no_orphans(keys, self.names)
        indexes = [sql for name in self.live for sql in self._indexes(name).values()]
        for name in self.live:
            for index in self._indexes(self.names[name]):
                self.run(f"DROP INDEX {self.quote(index)}")
            self.run(f"DROP TABLE {self.quote(name)}")
        for name in self.live:
            # What refers to the table by its old name is changed along with it.
            self.run(f"ALTER TABLE {self.quote(self.names[name])} RENAME TO {self.quote(name)}")
        for sql in [*indexes, *bystanders]:
            self.run(sql)

    def _take_out_bystanders(self) -> Sequence[str]:
        """Drop views, and triggers of others, which do not let a table go; return how they were."""
        self.run("PRAGMA legacy_alter_table = OFF")
        found = self.run(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('view', 'trigger') "
            "ORDER BY type = 'trigger', rowid"
        )
        for kind, name, _ in reversed(found):
            self.run(f"DROP {kind} {self.quote(name)}")
        return [sql for _, _, sql in found]

    @contextmanager
    def _without_foreign_keys(self) -> Iterator[None]:
        """Let tables be dropped that rows refer to; SQLite takes this between transactions only."""
        were_checked = self.connection.disable_constraint_checking()
        try:
            yield
        finally:
            if were_checked:
                self.connection.enable_constraint_checking()

    def _definitions(self, table: str) -> Definitions:
        """Return columns and constraints of a table, as if all tables were in use."""
        (sql,) = self._sql("table", table)
        found: dict[str, Hashable] = {
            "table options": (
                sql.rpartition(")")[2].strip().upper(),
                "AUTOINCREMENT" in sql.upper(),
            )
        }
        for _, column, kind, is_required, default, key, hidden in self.run(
            f"PRAGMA table_xinfo({self.quote(table)})"
        ):
            found[f"column {column}"] = (column, kind, is_required, default, key, hidden)
        in_use = {aside.lower(): name.lower() for name, aside in self.names.items()}
        for target, columns in self._foreign_keys_of(table):
            told = in_use.get(target.lower(), target.lower())
            found[f"foreign key to {target}"] = ("to", told, tuple(columns))
        with self.connection.cursor() as cursor:
            constraints = self.connection.introspection.get_constraints(cursor, table)
        indexes = self._indexes(table)
        for name, given in constraints.items():
            if name in indexes or given["foreign_key"]:
                continue
            # A unique constraint of the table is an index that has been made without a name.
            kinds = (given["unique"], given["check"])
            found[f"constraint {name}"] = ("constraint", tuple(given["columns"] or ()), kinds)
        return found

    def _foreign_keys_of(self, table: str) -> Sequence[tuple[str, Sequence[tuple[str, str]]]]:
        """Return the tables that one refers to, and the columns from and to."""
        found: dict[int, tuple[str, list[tuple[str, str]]]] = {}
        for row in self.run(f"PRAGMA foreign_key_list({self.quote(table)})"):
            number, _, target, column, to = row[:5]
            found.setdefault(number, (target, []))[1].append((column, to))
        return list(found.values())

    def _primary_key(self, table: str) -> str:
        return next(
            str(row[1]) for row in self.run(f"PRAGMA table_info({self.quote(table)})") if row[5]
        )

    def _indexes(self, table: str) -> Mapping[str, str]:
        """Return the statements that made the table's indexes, by their names."""
        rows = self.run(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "
            "AND lower(tbl_name) = lower(%s) ORDER BY rowid",
            [table],
        )
        return dict(rows)

    def _sql(self, kind: str, name: str) -> Sequence[str]:
        rows = self.run(
            "SELECT sql FROM sqlite_master WHERE type = %s AND lower(name) = lower(%s)",
            [kind, name],
        )
        return [sql for (sql,) in rows]

    def _require_table(self, name: str) -> None:
        if not self._sql("table", name):
            raise ShadowTablesError(
                f"Database {self.alias!r} has no table {name}. Run "
                f"`manage.py migrate --database {self.alias}`."
            )

    def _beside(self, name: str) -> str:
        return beside(name, self.purpose, _LONGEST_NAME)
