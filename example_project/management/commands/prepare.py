"""The command `prepare`: makes the database ready, or says in one line why it cannot be."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from django_eventsourcing.databases import DatabaseNotReadyError, require_ready

__all__ = ["Command"]


class Command(BaseCommand):
    """Create the tables of the example project."""

    help = "Create the tables that are missing in the database that DATABASE_URL names."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        """Look whether the database answers, then migrate it."""
        try:
            require_ready()
        except DatabaseNotReadyError as error:
            # Without a cause the database has answered: it lacks tables, which are made here.
            if error.__cause__ is not None:
                raise DatabaseNotReadyError(f"{error} It comes from DATABASE_URL.") from error
        call_command("migrate", verbosity=0)
