"""Rows of the read models, and what the database has noted of their tables."""

import re

from django.contrib.auth.models import Group
from django.db import connections

from tests.django.read_models.models import Dog, Trick

MODELS = [Trick, Dog]
TABLES = ["Read_Tricks", "read_models_dog", "read_models_dog_tricks"]


def fill(alias, *names):
    """Write tricks, each harder than the one before, and a dog that knows them all."""
    group, _ = Group.objects.using(alias).get_or_create(name="school")
    easier = None
    for level, name in enumerate(names, Trick.objects.using(alias).count()):
        easier = Trick.objects.using(alias).create(
            name=name, level=level, group=group, easier=easier
        )
    dog = Dog.objects.using(alias).create(name="Rex", best=easier)
    dog.tricks.set(Trick.objects.using(alias).filter(name__in=names))
    return dog


def names(alias):
    return list(Trick.objects.using(alias).order_by("id").values_list("name", flat=True))


def structure(alias):
    """Return all that introspection tells of the tables, with the names that constraints have."""
    connection = connections[alias]
    told = {}
    with connection.cursor() as cursor:
        for table in [*TABLES, "read_models_lesson"]:
            constraints = connection.introspection.get_constraints(cursor, table)
            # SQLite numbers those that have no name.
            told[table] = sorted(
                (re.sub(r"^(fk_|__unnamed_constraint_|sqlite_autoindex_).*", "", name), str(each))
                for name, each in constraints.items()
            )
            # The size displayed is that of the rows.
            told[table] += sorted(
                str(field._replace(display_size=None))
                for field in connection.introspection.get_table_description(cursor, table)
            )
            told[table] += connection.introspection.get_sequences(cursor, table)
        if connection.vendor == "postgresql":
            told |= catalogue(cursor)
    return told


def catalogue(cursor):
    """Return what PostgreSQL has noted of the schema, without the numbers of objects."""
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 ORDER BY 1, 2"
    )
    told = {"constraints": cursor.fetchall()}
    cursor.execute("SELECT tablename, indexname, indexdef FROM pg_indexes ORDER BY 1, 2")
    told["indexes"] = cursor.fetchall()
    cursor.execute("SELECT schemaname, sequencename, sequenceowner FROM pg_sequences ORDER BY 1, 2")
    told["sequences"] = cursor.fetchall()
    cursor.execute(
        "SELECT c.relname, a.attname, a.attidentity, "
        "pg_get_serial_sequence(quote_ident(c.relname), a.attname) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid WHERE a.attidentity <> '' ORDER BY 1, 2"
    )
    told["identities"] = cursor.fetchall()
    cursor.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY 1"
    )
    return told | {"schemas": cursor.fetchall()}
