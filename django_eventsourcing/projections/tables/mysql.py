"""MariaDB and MySQL: tables beside those in use, all renamed at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from django_eventsourcing.projections.tables.aside import (
    Definitions,
    TablesAside,
    definitions_that_differ,
)
from django_eventsourcing.projections.tables.errors import ShadowTablesError
from django_eventsourcing.projections.tables.foreign_keys import ForeignKey
from django_eventsourcing.projections.tables.naming import beside
from django_eventsourcing.session_variables import session_variable

__all__ = ["MySQLTablesAside"]

_LONGEST_NAME = 64
_LOCK_TIMEOUT = 1
"""Seconds for which others may have to queue behind a swap that waits."""
_IS_SWAPPED = "The tables have been swapped, but a foreign key refers to the old one still"

_FOREIGN_KEYS = """
SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name,
    k.referenced_column_name, r.update_rule, r.delete_rule
FROM information_schema.key_column_usage k
JOIN information_schema.referential_constraints r ON r.constraint_schema = k.constraint_schema
    AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
WHERE k.table_schema = DATABASE() AND k.referenced_table_schema = DATABASE()
    AND k.{side} IN ({names})
ORDER BY k.table_name, k.constraint_name, k.ordinal_position
"""


class MySQLTablesAside(TablesAside):
    """
    Tables by the name of ``table__shadow``, which a swap renames.

    One statement renames all tables, those in use to ``table__shadow_old``. What follows, each
    statement by itself, is found out from what is there, so that it can be gone on with: foreign
    keys of other tables are pointed to the new tables, those of the new ones take the names of
    the old ones', and the old tables are dropped.
    """

    @property
    def names(self) -> Mapping[str, str]:
        """The names, which tell the purpose."""
        return {name: beside(name, self.purpose, _LONGEST_NAME) for name in self.live}

    def existing(self) -> Sequence[str]:
        """Return the tables in use that have one beside them."""
        there = self._tables(self.names.values())
        return [name for name, aside in self.names.items() if aside in there]

    def unfinished(self) -> bool:
        """Tell whether tables that were in use are still there."""
        return bool(self._tables(self._old.values()))

    def create(self) -> None:
        """Make the tables while the models have their names, and name indexes as in use."""
        if missing := set(self.live) - self._tables(self.live):
            raise ShadowTablesError(
                f"Database {self.alias!r} has no table {', '.join(sorted(missing))}. Run "
                f"`manage.py migrate --database {self.alias}`."
            )
        with self._impatient(), self.with_names():
            self.make_tables()
        for name in self.live:
            self._name_indexes(name)

    def drop(self) -> None:
        """Drop the tables without a look at what refers to what."""
        with self._without_foreign_keys():
            for name in self.existing():
                self.run(f"DROP TABLE {self.quote(self.names[name])}")

    def foreign_keys(self) -> Sequence[ForeignKey]:
        """Return the foreign keys from all other tables of the database."""
        return self._foreign_keys_to(self.live)

    def would_be_lost(self) -> Sequence[str]:
        """Return the triggers of the tables in use, and what makes one no ordinary table."""
        triggers = self.run(
            "SELECT trigger_name, event_object_table FROM information_schema.triggers "  # noqa: S608
            f"WHERE event_object_schema = DATABASE() AND event_object_table IN ({self._marks()}) "
            "ORDER BY 1",
            self.live,
        )
        kinds = self.run(
            "SELECT table_name, table_type, create_options FROM information_schema.tables "  # noqa: S608
            f"WHERE table_schema = DATABASE() AND table_name IN ({self._marks()}) ORDER BY 1",
            self.live,
        )
        return [
            *(f"trigger {name} of {table}" for name, table in triggers),
            *(
                f"what makes {name} a {kind.lower()}"
                for name, kind, _ in kinds
                if kind != "BASE TABLE"
            ),
            *(f"partitions of {name}" for name, _, options in kinds if "partitioned" in options),
        ]

    def differences(self) -> Sequence[str]:
        """Return in what columns, indexes or constraints differ."""
        told: list[str] = []
        for name in self.live:
            parts = self._definitions(name), self._definitions(self.names[name])
            told += definitions_that_differ(name, *parts)
        return told

    def swap(self, also: Callable[[], None], patience: float) -> None:
        """Rename the tables, unless that is done, and set right what refers to them."""
        with self._impatient():
            if not self.unfinished():
                self.with_patience(self._rename, patience)
            also()
            self.with_patience(self._finish, patience)

    def _rename(self) -> None:
        pairs = [(name, self._old[name]) for name in self.live]
        pairs += [(aside, name) for name, aside in self.names.items()]
        renamed = ", ".join(f"{self.quote(one)} TO {self.quote(other)}" for one, other in pairs)
        self.run(f"RENAME TABLE {renamed}")

    def _finish(self) -> None:
        left = self._tables(self._old.values())
        for name, old in self._old.items():
            if old not in left:
                continue
            self._take_back_name(name)
            for key in self._foreign_keys_to([old]):
                self._point_to_new(key, name)
                self._take_back_name(name)
            self._name_foreign_keys(name)
        with self._without_foreign_keys():
            for old in sorted(left):
                self.run(f"DROP TABLE {self.quote(old)}")

    def _point_to_new(self, key: ForeignKey, name: str) -> None:
        """
        Let a foreign key of another table refer to the new table, with no row in between.

        A constraint cannot be replaced by one of the same name. Its name is noted as the comment
        of the old table until it is back.
        """
        old, new = self.quote(self._old[name]), self.quote(name)
        self.run(f"ALTER TABLE {old} COMMENT = %s", [key.name])
        with self._locked(key.table, new), self._without_foreign_keys():
            self.require_no_orphans([replace(key, target=name)], {name: name}, _IS_SWAPPED)
            self._replace(key, self._spare(key.name), key.definition.replace(old, new))

    def _take_back_name(self, name: str) -> None:
        """Give a foreign key that refers to the new table already the name that is noted."""
        ((noted,),) = self.run(
            "SELECT table_comment FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_name = %s",
            [self._old[name]],
        )
        with self._without_foreign_keys():
            for key in self._foreign_keys_to([name]):
                if key.name == self._spare(noted):
                    self._replace(key, noted, key.definition)

    def _name_foreign_keys(self, name: str) -> None:
        """Give the foreign keys of a new table the names of those of the old one."""
        old = self._old[name]
        names = {key.columns: key.name for key in self._foreign_keys_of(old)}
        with self._without_foreign_keys():
            for key in self._foreign_keys_of(name):
                # Where an interrupted swap has dropped it, the name that Django gives.
                wanted = names.get(key.columns) or self._name_by_django(name, key.columns[0])
                if key.columns in names:
                    self.run(f"ALTER TABLE {self.quote(old)} DROP FOREIGN KEY {self.quote(wanted)}")
                if wanted != key.name:
                    self._replace(key, wanted, key.definition)

    def _replace(self, key: ForeignKey, name: str, definition: str) -> None:
        """Replace a foreign key by another, in one statement."""
        self.run(
            f"ALTER TABLE {key.table} DROP FOREIGN KEY {self.quote(key.name)}, "
            f"ADD CONSTRAINT {self.quote(name)} {definition}"
        )

    def _name_by_django(self, table: str, column: str) -> str:
        model = self.models[self.live.index(table)]
        (field,) = (each for each in model._meta.local_fields if each.column == column)
        editor: Any = self.connection.SchemaEditorClass(self.connection, atomic=False)
        name = editor._fk_constraint_name(model, field, "_fk_%(to_table)s_%(to_column)s")
        return str(name).strip("`")

    def _spare(self, name: str) -> str:
        return beside(name, "new", _LONGEST_NAME)

    def _name_indexes(self, name: str) -> None:
        """Give indexes the names that the same have in use."""
        mine = self._indexes(self.names[name])
        names = {definition: index for index, definition in self._indexes(name).items()}
        for index, definition in mine.items():
            wanted = names.get(definition, index)
            if wanted not in mine:
                self.run(
                    f"ALTER TABLE {self.quote(self.names[name])} "
                    f"RENAME INDEX {self.quote(index)} TO {self.quote(wanted)}"
                )

    def _definitions(self, table: str) -> Definitions:
        """Return the parts of a table, as if all tables were in use."""
        in_use = {aside: name for name, aside in self.names.items()}
        found: dict[str, Hashable] = {}
        for row in self.run(
            "SELECT engine, table_collation, row_format, table_comment "
            "FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        ):
            found["table options"] = tuple(row)
        for row in self.run(
            "SELECT column_name, column_type, is_nullable, column_default, extra, collation_name, "
            "column_comment, generation_expression FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = %s",
            [table],
        ):
            found[f"column {row[0]}"] = ("column", *row)
        for index, definition in self._indexes(table).items():
            found[f"index {index}"] = ("index", definition)
        for key in self._foreign_keys_of(table):
            target = in_use.get(key.target, key.target)
            told = key.definition.replace(self.quote(key.target), self.quote(target))
            found[f"foreign key {key.name}"] = ("foreign key", told)
        with self.connection.cursor() as cursor:
            constraints = self.connection.introspection.get_constraints(cursor, table)
        for check, given in constraints.items():
            if given["check"]:
                found[f"constraint {check}"] = ("check", check, tuple(sorted(given["columns"])))
        return found

    def _indexes(self, table: str) -> Mapping[str, Hashable]:
        """Return the indexes of a table by their names."""
        found: dict[str, list[Hashable]] = {}
        for index, *definition in self.run(
            "SELECT index_name, non_unique, column_name, sub_part, collation, index_type "
            "FROM information_schema.statistics WHERE table_schema = DATABASE() "
            "AND table_name = %s ORDER BY index_name, seq_in_index",
            [table],
        ):
            found.setdefault(index, []).append(tuple(definition))
        return {index: tuple(definition) for index, definition in found.items()}

    def _foreign_keys_to(self, tables: Sequence[str]) -> Sequence[ForeignKey]:
        """Return the foreign keys to tables from those that are not swapped."""
        mine = {*self.live, *self.names.values(), *self._old.values()}
        unquoted = {self.quote(name) for name in mine}
        found = self._foreign_keys("referenced_table_name", tables)
        return [key for key in found if key.table not in unquoted]

    def _foreign_keys_of(self, table: str) -> Sequence[ForeignKey]:
        return self._foreign_keys("table_name", [table])

    def _foreign_keys(self, side: str, names: Sequence[str]) -> Sequence[ForeignKey]:
        query = _FOREIGN_KEYS.format(side=side, names=", ".join(["%s"] * len(names)))
        found: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for table, name, *rest in self.run(query, names):
            found.setdefault((table, name), []).append(tuple(rest))
        return [self._foreign_key(*key, rows) for key, rows in found.items()]

    def _foreign_key(self, table: str, name: str, rows: list[tuple[str, ...]]) -> ForeignKey:
        _, target, _, on_update, on_delete = rows[0]
        columns, target_columns = tuple(row[0] for row in rows), tuple(row[2] for row in rows)
        here, there = (
            ", ".join(self.quote(each) for each in side) for side in (columns, target_columns)
        )
        rules = "".join(
            f" ON {event} {rule}"
            for event, rule in (("UPDATE", on_update), ("DELETE", on_delete))
            # What is not given is told as one of these, and MariaDB makes one of the other.
            if rule not in {"RESTRICT", "NO ACTION"}
        )
        return ForeignKey(
            table=self.quote(table),
            name=name,
            columns=columns,
            target=target,
            target_columns=target_columns,
            definition=f"FOREIGN KEY ({here}) REFERENCES {self.quote(target)} ({there}){rules}",
        )

    @property
    def _old(self) -> Mapping[str, str]:
        """The names that the tables in use get until they are dropped."""
        return {name: beside(name, f"{self.purpose}_old", _LONGEST_NAME) for name in self.live}

    def _tables(self, names: Iterable[str]) -> set[str]:
        """Return those of the tables that are there."""
        wanted = list(names)
        marks = ", ".join(["%s"] * len(wanted))
        rows = self.run(
            "SELECT table_name FROM information_schema.tables "  # noqa: S608
            f"WHERE table_schema = DATABASE() AND table_name IN ({marks})",
            wanted,
        )
        return {name for (name,) in rows}

    def _marks(self) -> str:
        return ", ".join(["%s"] * len(self.live))

    @contextmanager
    def _without_foreign_keys(self) -> Iterator[None]:
        """Let the session change foreign keys without a look at the rows, which have been seen."""
        were_checked = self.connection.disable_constraint_checking()
        try:
            yield
        finally:
            if were_checked:
                self.connection.enable_constraint_checking()

    @contextmanager
    def _locked(self, *tables: str) -> Iterator[None]:
        self.run(f"LOCK TABLES {', '.join(f'{table} WRITE' for table in tables)}")
        try:
            yield
        finally:
            self.run("UNLOCK TABLES")

    def _impatient(self) -> AbstractContextManager[None]:
        """Let the session wait for the locks of tables for a short time only."""
        return session_variable(self.connection, "lock_wait_timeout", _LOCK_TIMEOUT)
