"""The reference library with its own modules for SQLite and PostgreSQL."""

import sys
from urllib.parse import urlsplit

from databases import is_sqlite, sqlite_file
from event_sourced import EventSourced
from talking import serve


class NativePeer(EventSourced):
    """Has a file for each application on SQLite, and tables for each on PostgreSQL."""

    def __init__(self, url):
        self.url = url
        super().__init__(self.env_of("DogSchool"))

    def env_of(self, name):
        if is_sqlite(self.url):
            return {
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                f"{name.upper()}_SQLITE_DBNAME": sqlite_file(self.url, f"native_{name}"),
            }
        parts = urlsplit(self.url)
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": parts.path.lstrip("/"),
            "POSTGRES_HOST": parts.hostname or "",
            "POSTGRES_PORT": str(parts.port or 5432),
            "POSTGRES_USER": parts.username or "",
            "POSTGRES_PASSWORD": parts.password or "none",
        }

    def follower_env(self, name):
        return {**self.env_of("DogSchool"), **self.env_of(name)}

    def system_env(self):
        return {**self.env_of("DogSchool"), **self.env_of("Counters")}


if __name__ == "__main__":
    serve(NativePeer(sys.argv[1]))
