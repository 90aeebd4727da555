"""Session variables, for a while other than what the session had."""

import pytest
from django.db import connections

from django_eventsourcing.session_variables import session_variable
from tests.databases import on


def lock_wait_timeout(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        ((seconds,),) = cursor.fetchall()
    return int(seconds)


@on("mariadb")
def test_it_has_its_own_value_again(database: str) -> None:
    before = lock_wait_timeout(database)

    with session_variable(connections[database], "lock_wait_timeout", before + 7):
        within = lock_wait_timeout(database)

    assert (within, lock_wait_timeout(database)) == (before + 7, before)


@on("mariadb")
def test_it_has_its_own_value_again_after_an_error(database: str) -> None:
    before = lock_wait_timeout(database)

    with (
        pytest.raises(ZeroDivisionError),
        session_variable(connections[database], "lock_wait_timeout", before + 7),
    ):
        raise ZeroDivisionError

    assert lock_wait_timeout(database) == before
