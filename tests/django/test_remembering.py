"""Remembering: what is committed is known to whom it was recorded for, and to nobody else."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from django_eventsourcing import get_application, remember_writes
from django_eventsourcing.remembering import Writes, current_writes
from tests.core.school import DogSchool
from tests.django.commands.conftest import configured
from tests.django.status.rows import add_tricks, ids_of

__all__ = ["configured"]


def test_the_last_notification_of_each_application_is_remembered(configured, database):
    configured()

    with remember_writes() as writes:
        add_tricks("sit", "beg")

    assert writes == {"DogSchool": ids_of(database)[-1]}
    assert repr(writes) == f"<Writes {dict(writes)}>"


def test_what_was_recorded_before_or_after_is_not(configured):
    configured()
    add_tricks("sit")

    with remember_writes() as writes:
        assert current_writes() is writes
    add_tricks("sit")

    assert not writes
    assert current_writes() is None


def test_those_around_it_remember_it_too(configured, database):
    configured()

    with remember_writes() as outer:
        with remember_writes() as inner:
            add_tricks("sit")
        last = ids_of(database)[-1]
        add_tricks("sit")

    assert inner == {"DogSchool": last}
    assert outer == {"DogSchool": ids_of(database)[-1]}


def test_it_is_remembered_after_the_commit(configured, database):
    configured()

    with transaction.atomic(using=database):
        with remember_writes() as writes:
            add_tricks("sit")
        assert not writes

    assert writes == {"DogSchool": ids_of(database)[-1]}


def test_what_is_rolled_back_is_not_remembered(configured, database):
    configured()

    with remember_writes() as writes, transaction.atomic(using=database):
        add_tricks("sit")
        transaction.set_rollback(True, using=database)

    assert not writes


def test_what_a_savepoint_rolls_back_is_not_remembered(configured, database):
    configured()

    with remember_writes() as writes, transaction.atomic(using=database):
        add_tricks("sit")
        with transaction.atomic(using=database):
            add_tricks("beg")
            transaction.set_rollback(True, using=database)

    assert writes == {"DogSchool": ids_of(database)[-1]}


def test_an_error_within_leaves_nothing_behind():
    with pytest.raises(ValueError, match="mine"), remember_writes():
        raise ValueError("mine")

    assert current_writes() is None


def test_other_threads_record_for_themselves(configured):
    configured()
    get_application(DogSchool)

    def record():
        try:
            add_tricks("sit")
        finally:
            connections.close_all()

    with remember_writes() as writes, ThreadPoolExecutor(1) as pool:
        pool.submit(record).result()

    assert not writes


def test_tasks_of_one_event_loop_remember_their_own(configured, database):
    configured()

    async def record(number):
        with remember_writes() as writes:
            await sync_to_async(add_tricks)(*["sit"] * number)
        return dict(writes)

    async def both():
        found = await asyncio.gather(record(1), record(2))
        await sync_to_async(connections.close_all)()
        return found

    found = asyncio.run(both())

    ids = ids_of(database)
    assert sorted(each["DogSchool"] for each in found) in ([ids[1], ids[4]], [ids[2], ids[4]])


def test_an_earlier_notification_changes_nothing():
    writes = Writes()

    for id_ in (2, 3, 1):
        writes.note("DogSchool", id_)

    assert writes == {"DogSchool": 3}
