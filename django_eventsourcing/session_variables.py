"""Session variables of MariaDB and MySQL, for a while other than what the session had."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["session_variable"]


@contextmanager
def session_variable(connection: BaseDatabaseWrapper, name: str, number: int) -> Iterator[None]:
    """Give a session variable of a MariaDB or MySQL connection this number, and then its own."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@SESSION.{name}")
        ((before,),) = cursor.fetchall()
        cursor.execute(f"SET SESSION {name} = {number}")
        try:
            yield
        finally:
            cursor.execute(f"SET SESSION {name} = {int(before)}")
