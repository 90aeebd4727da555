"""Database routers of processes that a test starts."""


class KeepOut:
    """Keeps the tables of events out of a database."""

    def allow_migrate(self, db, app_label, **hints):
        return False if (db, app_label) == ("other", "django_eventsourcing") else None
