"""Correlations: the index by which the events of one correlation id are found, among any number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import split_identifier, truncate_name
from django.db.models import CharField, F, Func, Q, Value
from django.db.models.lookups import Exact

from django_eventsourcing.problems import Problem

if TYPE_CHECKING:
    from django_eventsourcing.models import AbstractStoredEvent

__all__ = ["correlated", "has_index", "index_faults", "install", "is_indexed", "uninstall"]

LENGTH = 200
"""Characters of a correlation id that are indexed: not every database takes longer keys."""
COLUMN = "correlation_key"
"""The column that MySQL and MariaDB have of it: unseen, and made from the metadata."""
_LONGEST_NAME = 60
_FIRST_WITH_INVISIBLE = (8, 0, 23)

# The expressions of the queries are those of the indexes, or the indexes are of no use.
_KEYS = {
    "postgresql": f"left(({{metadata}} ->> 'correlation_id'), {LENGTH})",
    "sqlite": f"substr(json_extract({{metadata}}, '$.correlation_id'), 1, {LENGTH})",
    "mysql": COLUMN,
}

_LOOKS = {
    "postgresql": "SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE indrelid = to_regclass(%s) AND relname = %s AND indisvalid",
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND name = %s",
    "mysql": "SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() "
    "AND table_name = %s AND index_name = %s LIMIT 1",
}

_known: set[tuple[str, ...]] = set()
"""The tables that have been seen to have the index."""


class _Key(Func):
    """What is indexed of an event: the beginning of its correlation id."""

    arity = 1
    output_field = CharField()

    def as_sql(self, compiler: Any, connection: BaseDatabaseWrapper, **_: Any) -> Any:  # type: ignore[override]
        column, params = compiler.compile(self.source_expressions[0])
        return _KEYS[connection.vendor].format(metadata=column), params


def correlated(correlation_id: str) -> Q:
    """
    Return the condition of being recorded with a correlation id, in the terms of the index.

    What the database calls equal need not be: longer ids begin alike, and MySQL and MariaDB do not
    regard spaces at the end. Whoever reads the events looks at their metadata as well.
    """
    key = Value(correlation_id[:LENGTH], output_field=CharField())
    return Q(Exact(_Key(F("metadata")), key))


def is_indexed(alias: str, model: type[AbstractStoredEvent]) -> bool:
    """Tell whether the model's table has the index, and remember if it has."""
    values = connections[alias].settings_dict
    key = (alias, *(str(values[name]) for name in ("NAME", "HOST", "PORT")), model._meta.db_table)
    if key in _known:
        return True
    found = has_index(alias, model)
    if found:
        _known.add(key)
    return found


def has_index(alias: str, model: type[AbstractStoredEvent]) -> bool:
    """Tell whether the model's table has the index, by one query."""
    connection = connections[alias]
    table, name = model._meta.db_table, _name(model._meta.db_table)
    if connection.vendor == "postgresql":
        table = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(_LOOKS[connection.vendor], [table, name])
        return cursor.fetchone() is not None


def index_faults(
    connection: BaseDatabaseWrapper, model: type[AbstractStoredEvent]
) -> list[Problem]:
    """Return what to do about a table that is there, and lacks the index."""
    table = model._meta.db_table
    if not _can_have_it(connection) or has_index(connection.alias, model):
        return []
    if split_identifier(table)[1] not in connection.introspection.table_names():
        return []
    return [
        Problem(
            id="W010",
            message=f"The table {table!r} of {model._meta.label} in the database "
            f"{connection.alias!r} has no index of correlation ids: only its newest events are "
            "searched for what belongs to a trace.",
            hint=f"Add AddCorrelationIndex({model.__name__!r}) to a migration, and run it. On "
            "SQLite, add it anew after a migration that has made the table again.",
        )
    ]


def install(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """Make the index; called by a migration. One that is there already is left as it is."""
    connection = schema_editor.connection
    quote = connection.ops.quote_name
    name, metadata = quote(_name(table)), quote("metadata")
    if not _can_have_it(connection):
        return
    if connection.vendor == "mysql":
        schema_editor.execute(
            f"ALTER TABLE {quote(table)} ADD COLUMN {COLUMN} VARCHAR({LENGTH}) "
            "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin GENERATED ALWAYS AS "
            f"(LEFT(JSON_UNQUOTE(JSON_EXTRACT({metadata}, '$.correlation_id')), {LENGTH})) "
            f"VIRTUAL INVISIBLE, ADD INDEX {name} ({COLUMN}, {quote('id')})"
        )
        return
    key = _KEYS[connection.vendor].format(metadata=metadata)
    schema_editor.execute(
        f"CREATE INDEX IF NOT EXISTS {name} ON {quote(table)} (({key}), {quote('id')}) "
        f"WHERE ({key}) IS NOT NULL"
    )


def uninstall(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    """Remove what ``install()`` has made."""
    _known.clear()
    connection = schema_editor.connection
    quote = connection.ops.quote_name
    name = quote(_name(table))
    if not _can_have_it(connection):
        return
    if connection.vendor == "mysql":
        schema_editor.execute(f"ALTER TABLE {quote(table)} DROP INDEX {name}, DROP COLUMN {COLUMN}")
        return
    schema = split_identifier(table)[0] if connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP INDEX IF EXISTS {quote(schema) + '.' if schema else ''}{name}")


def _can_have_it(connection: BaseDatabaseWrapper) -> bool:
    if connection.vendor != "mysql" or getattr(connection, "mysql_is_mariadb", False):
        return connection.vendor in _KEYS
    return getattr(connection, "mysql_version", (0,)) >= _FIRST_WITH_INVISIBLE


def _name(table: str) -> str:
    return str(truncate_name(f"{split_identifier(table)[1]}_correlation", _LONGEST_NAME))
