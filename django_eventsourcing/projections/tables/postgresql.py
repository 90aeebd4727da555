"""PostgreSQL: tables in a schema of their own, under the names that they will keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from django.db import DatabaseError, IntegrityError, transaction

from django_eventsourcing.projections.tables.aside import (
    Definitions,
    TablesAside,
    definitions_that_differ,
)
from django_eventsourcing.projections.tables.errors import ShadowTablesError
from django_eventsourcing.projections.tables.foreign_keys import ForeignKey
from django_eventsourcing.projections.tables.naming import beside
from django_eventsourcing.projections.tables.postgresql_catalogue import (
    DEFINITIONS,
    FOREIGN_KEYS,
    GRANTS,
    LOST,
    SEQUENCES,
)

__all__ = ["PostgreSQLTablesAside"]

_LOCK_TIMEOUT = "500ms"
"""How long others may have to queue behind a swap that waits."""
_PATIENCE = 30.0
"""Seconds to wait for tables that others have locked, where the caller does not say."""
_LOCKED_ROWS_OF = re.compile(r"(?<=\bFOR )(?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE) OF .*")


class PostgreSQLTablesAside(TablesAside):
    """
    Tables in a schema of their own, which a swap moves to the schema of those in use.

    Tables, indexes, constraints and sequences have the names that they will keep. While the ORM
    uses them, ``db_table`` names the schema as well: nothing depends on the connection, which may
    be a pooler's or be opened again.
    """

    @property
    def schema(self) -> str:  # type: ignore[override]
        """The schema, named after the first table: each projection has its own."""
        return beside(self.live[0], self.purpose, 63)

    @property
    def names(self) -> Mapping[str, str]:
        """The quoted names, with the schema."""
        return {name: self._in(self.schema, name) for name in self.live}

    def existing(self) -> Sequence[str]:
        """Return the tables in use that have one in the schema."""
        return [name for name in self.live if self._oid(self.names[name])]

    def create(self) -> None:
        """Make the tables with the schema first in the path of one transaction."""
        live = self._live_schema()

        def attempt() -> None:
            self._create_schema()
            ((path,),) = self.run("SHOW search_path")
            self._set_path_to(f"{self.quote(self.schema)}, {path}")
            self.make_tables()
            for name in self.live:
                self._take_names(name, live)
            self._set_path_to(path)

        self._in_turn(attempt)

    def drop(self) -> None:
        """Drop the tables, and the schema if nothing else is in it."""

        def attempt() -> None:
            if existing := self.existing():
                self.run(f"DROP TABLE {', '.join(self.names[name] for name in existing)}")
            self._drop_schema()

        self._in_turn(attempt)

    def foreign_keys(self) -> Sequence[ForeignKey]:
        """Return the foreign keys from other tables, wherever they are."""
        live = self._live_schema()
        tables = [self._oid(self._in(live, name)) for name in self.live]
        aside = [self._oid(self.names[name]) for name in self.existing()]
        with transaction.atomic(using=self.alias):
            path = self._set_path("pg_catalog")
            rows = self.run(FOREIGN_KEYS, {"tables": tables, "aside": aside})
            self._set_path_to(path)
        return [
            ForeignKey(
                table=table,
                name=name,
                columns=columns,
                target=target,
                target_columns=target_columns,
                definition=definition,
            )
            for table, name, target, definition, columns, target_columns in rows
        ]

    def would_be_lost(self) -> Sequence[str]:
        """Return triggers, views, policies and the like of the tables in use."""
        live = self._live_schema()
        return [
            f"{what} of {name}"
            for name in self.live
            for (what,) in self._ask(LOST, self._in(live, name))
        ]

    def differences(self) -> Sequence[str]:
        """Return in what columns, indexes or constraints differ."""
        live = self._live_schema()
        told: list[str] = []
        for name in self.live:
            parts = self._definitions(live, name, live), self._definitions(self.schema, name, live)
            told += definitions_that_differ(name, *parts)
        return told

    def swap(self, also: Callable[[], None], patience: float) -> None:
        """Move the tables in one transaction, as soon as all of them can be locked."""
        self.run(f"ANALYZE {', '.join(self.names.values())}")
        keys = self.foreign_keys()

        def attempt() -> None:
            self._swap(keys)
            self.run("SET LOCAL lock_timeout TO DEFAULT")
            also()

        try:
            self._in_turn(attempt, patience)
        except IntegrityError:
            # A row came after they were counted.
            self.require_no_orphans(self.foreign_keys(), self.names)
            raise

    def guarded(self, sql: str) -> str:
        """Return it without the schema after FOR UPDATE OF, where PostgreSQL takes none."""
        if " OF " not in sql:
            return sql
        prefix = f"{self.quote(self.schema)}."
        return _LOCKED_ROWS_OF.sub(lambda found: found[0].replace(prefix, ""), sql)

    def _in_turn(self, work: Callable[[], None], patience: float = _PATIENCE) -> None:
        """Do it in one transaction, without letting others queue behind its locks for long."""

        def attempt() -> None:
            with transaction.atomic(using=self.alias):
                self.run(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
                work()

        self.with_patience(attempt, patience)

    def _swap(self, keys: Sequence[ForeignKey]) -> None:
        live = self._live_schema()
        old = [self._in(live, name) for name in self.live]
        # In one statement and always in this order: of two who swap, one waits.
        tables = sorted({*old, *self.names.values(), *(key.table for key in keys)})
        self.run(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        for name in self.live:
            self._carry_over(name, live)
            self._advance_sequences(name)
        for key in keys:
            self.run(f"ALTER TABLE {key.table} DROP CONSTRAINT {self.quote(key.name)}")
        self.run(f"DROP TABLE {', '.join(old)}")
        for name in self.names.values():
            self.run(f"ALTER TABLE {name} SET SCHEMA {self.quote(live)}")
        for key in keys:
            self.run(
                f"ALTER TABLE {key.table} ADD CONSTRAINT {self.quote(key.name)} {key.definition}"
            )
        self._drop_schema()

    def _carry_over(self, name: str, live: str) -> None:
        """Give the table the owner, storage parameters, comments and grants of the one in use."""
        old, new = self._in(live, name), self.names[name]
        ((owner, options, comment),) = self.run(
            "SELECT quote_ident(pg_get_userbyid(relowner)), "
            "(SELECT string_agg(format('%%I = %%L', option_name, option_value), ', ') "
            "FROM pg_options_to_table(reloptions)), "
            "quote_literal(obj_description(oid, 'pg_class')) FROM pg_class "
            "WHERE oid = %s::regclass",
            [old],
        )
        if options:
            self.run(f"ALTER TABLE {new} SET ({options})")
        self.run(f"COMMENT ON TABLE {new} IS {comment or 'NULL'}")
        for column, told in self.run(
            "SELECT quote_ident(attname), quote_literal(col_description(attrelid, attnum)) "
            "FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [old],
        ):
            self.run(f"COMMENT ON COLUMN {new}.{column} IS {told or 'NULL'}")
        self.run(f"ALTER TABLE {new} OWNER TO {owner}")
        sequences = self._sequences(self.schema, name)
        relations = {old: new} | {
            sequence: sequences[column] for column, sequence in self._sequences(live, name).items()
        }
        for giving, taking in relations.items():
            for (statement,) in self.run(GRANTS, {"from": self._oid(giving), "to": taking}):
                self.run(statement)

    def _advance_sequences(self, name: str) -> None:
        """Let no id be drawn that a row has been given without its sequence."""
        for column, sequence in self._sequences(self.schema, name).items():
            self.run(
                f"SELECT setval(%s::regclass, highest) FROM "  # noqa: S608
                f"(SELECT max({self.quote(column)}) AS highest FROM {self.names[name]}) AS rows, "
                f"{sequence} AS sequence WHERE highest >= sequence.last_value",
                [sequence],
            )

    def _take_names(self, name: str, live: str) -> None:
        """Give indexes, constraints and sequences the names that the same have in use."""
        new = self._definitions(self.schema, name, live)
        names = {
            definition: part for part, definition in self._definitions(live, name, live).items()
        }
        for part, definition in new.items():
            (kind, old_name), wanted = part.split(" ", 1), names.get(definition, part)
            if wanted == part or wanted in new or kind not in {"index", "constraint"}:
                continue
            to = self.quote(wanted.split(" ", 1)[1])
            if kind == "index":
                self.run(f"ALTER INDEX {self._in(self.schema, old_name)} RENAME TO {to}")
            else:
                table, constraint = self.names[name], self.quote(old_name)
                self.run(f"ALTER TABLE {table} RENAME CONSTRAINT {constraint} TO {to}")
        mine = self._sequences(self.schema, name)
        for column, sequence in self._sequences(live, name).items():
            to = sequence.removeprefix(f"{self.quote(live)}.")
            if column in mine and mine[column] != f"{self.quote(self.schema)}.{to}":
                self.run(f"ALTER SEQUENCE {mine[column]} RENAME TO {to}")

    def _definitions(self, schema: str, name: str, live: str) -> Definitions:
        """Return the parts of a table, those aside as if they were in the schema in use."""
        with transaction.atomic(using=self.alias):
            path = self._set_path("pg_catalog")
            rows = self._ask(DEFINITIONS, self._in(schema, name))
            ((mine, used),) = self.run(
                "SELECT quote_ident(%s) || '.', quote_ident(%s) || '.'",
                [schema, live],
            )
            self._set_path_to(path)
        return {part: definition.replace(mine, used) for part, definition in rows}

    def _sequences(self, schema: str, name: str) -> Mapping[str, str]:
        return {
            column: self._in(own_schema, sequence)
            for column, own_schema, sequence in self._ask(SEQUENCES, self._in(schema, name))
        }

    def _ask(self, query: str, table: str) -> Sequence[tuple[str, ...]]:
        return self.run(query, {"table": self._oid(table)})

    def _live_schema(self) -> str:
        """Return the schema in which the connection finds the tables in use."""
        found: dict[str, str] = {}
        for name in self.live:
            rows = self.run(
                "SELECT relnamespace::regnamespace::text, nspname FROM pg_class JOIN pg_namespace "
                "ON pg_namespace.oid = relnamespace WHERE pg_class.oid = to_regclass(%s)",
                [self.quote(name)],
            )
            if not rows:
                raise ShadowTablesError(
                    f"Database {self.alias!r} has no table {name} in its search path. Run "
                    f"`manage.py migrate --database {self.alias}`, or set the path."
                )
            found[name] = rows[0][1]
        if len(set(found.values())) > 1:
            raise ShadowTablesError(
                "The tables are in several schemas: "
                + ", ".join(f"{name} in {schema}" for name, schema in found.items())
                + ". Move them into one, which the connection's search_path names."
            )
        return found[self.live[0]]

    def _create_schema(self) -> None:
        if self._has_schema():
            return
        try:
            with transaction.atomic(using=self.alias):
                self.run(f"CREATE SCHEMA {self.quote(self.schema)}")
        except DatabaseError as error:
            user = self.run("SELECT quote_ident(current_user), quote_ident(current_database())")[0]
            raise ShadowTablesError(
                f"The schema {self.schema} cannot be made in database {self.alias!r}: "
                f"{str(error).strip()}. As its owner, `GRANT CREATE ON DATABASE {user[1]} TO "
                f"{user[0]}`, or `CREATE SCHEMA {self.quote(self.schema)} AUTHORIZATION {user[0]}`."
            ) from error

    def _drop_schema(self) -> None:
        """Drop the schema if it is empty, and could be made again."""
        if self._has_schema() and self._may_create_schemas():
            try:
                with transaction.atomic(using=self.alias):
                    self.run(f"DROP SCHEMA {self.quote(self.schema)}")
            except DatabaseError:
                # Something else is in it.
                return

    def _has_schema(self) -> bool:
        return bool(self.run("SELECT 1 FROM pg_namespace WHERE nspname = %s", [self.schema]))

    def _may_create_schemas(self) -> bool:
        ((may,),) = self.run("SELECT has_database_privilege(current_database(), 'CREATE')")
        return bool(may)

    def _set_path(self, schema: str) -> str:
        """Set the search path for the rest of the transaction, and return the one before."""
        ((before,),) = self.run("SHOW search_path")
        self._set_path_to(self.quote(schema))
        return str(before)

    def _set_path_to(self, path: str) -> None:
        self.run("SELECT set_config('search_path', %s, true)", [path])

    def _in(self, schema: str, name: str) -> str:
        return f"{self.quote(schema)}.{self.quote(name)}"

    def _oid(self, name: str) -> int | None:
        ((oid,),) = self.run("SELECT to_regclass(%s)::oid::bigint", [name])
        return None if oid is None else int(oid)
