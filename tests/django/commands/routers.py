"""Database routers of processes that a test starts."""

LABELS = ("own_models", "read_models", "permits")


class KeepOut:
    """Keeps the tables of events out of a database."""

    def allow_migrate(self, db, app_label, **hints):
        return False if (db, app_label) == ("other", "django_eventsourcing") else None


class ToDefault:
    """Sends the models of the tests to one database."""

    alias = "default"

    def db_for_write(self, model, **hints):
        return self.alias if model._meta.app_label in LABELS else None

    db_for_read = db_for_write


class ToPostgres(ToDefault):
    """Sends them to PostgreSQL."""

    alias = "postgres"


class ToMariadb(ToDefault):
    """Sends them to MariaDB."""

    alias = "mariadb"


class ToFresh(ToDefault):
    """Sends them to a database that was never migrated."""

    alias = "fresh"
