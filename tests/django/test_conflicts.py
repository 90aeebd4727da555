"""Conflicts: commands are repeated until they are applied, each once."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django import db
from django.conf import settings
from django.db import connections, transaction

from django_eventsourcing import conflicts, gates, get_application, registry, retry_on_conflict
from django_eventsourcing.models import StoredEventRecord
from eventsourcing.persistence import OperationalError, RecordConflictError
from tests.core.school import DogSchool
from tests.databases import on

WRITERS = 16


@pytest.fixture
def school(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }
    yield get_application(DogSchool)
    registry.reset()


class Flaky:
    """Raises some errors, one after the other, then returns how often it was called."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.calls


def deadlock():
    """Return the error of a deadlock, as Django raises it for PostgreSQL."""
    cause = Exception("deadlock detected")
    cause.sqlstate = "40P01"
    error = db.OperationalError("deadlock detected")
    error.__cause__ = cause
    return error


@pytest.mark.long_elsewhere("postgres")
def test_sixteen_writers_of_one_aggregate_apply_each_command_once(school, database):
    dog_id = school.register_dog("Fido")
    add_trick = retry_on_conflict(school.add_trick)
    commands = 12

    def write(number):
        try:
            for each in range(commands):
                add_trick(dog_id, f"{number}-{each}")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    sent = [f"{n}-{each}" for n in range(WRITERS) for each in range(commands)]
    assert_applied_once(school, database, dog_id, sent)


def assert_applied_once(school, database, dog_id, commands):
    tricks = school.get_dog(dog_id)["tricks"]
    assert sorted(tricks) == sorted(commands)
    events = StoredEventRecord.objects.using(database).of("DogSchool").originator(dog_id)
    versions = events.order_by("originator_version").values_list("originator_version", flat=True)
    assert list(versions) == list(range(1, 2 + len(commands)))


@pytest.mark.long_elsewhere("mariadb")
@pytest.mark.faults
@on("postgres", "mariadb")
def test_what_sixteen_processes_have_been_told_is_applied_is_applied_once(school, database):
    dog_id = school.register_dog("Fido")
    commands = 4
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.django.conflicting", str(dog_id), str(n), str(commands)],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.django.commands.child_settings",
                "TEST_EVENTSOURCING": json.dumps(settings.EVENTSOURCING),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(WRITERS)
    ]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * WRITERS
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=60)[0].split() for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()

    assert [process.returncode for process in processes] == [0] * WRITERS
    assert_applied_once(school, database, dog_id, [each for own in told for each in own])


def test_the_call_form_returns_what_the_function_returns():
    assert retry_on_conflict(Flaky(RecordConflictError("x"), RecordConflictError("y")))() == 3


def test_waits_grow_with_each_conflict_and_are_kept_in_mind_by_the_next_calls(monkeypatch):
    waits = []
    monkeypatch.setattr(gates, "_gates", {})
    monkeypatch.setattr(gates.random, "uniform", lambda shortest, longest: longest)
    monkeypatch.setattr(conflicts.time, "sleep", waits.append)
    call = retry_on_conflict(Flaky(*(RecordConflictError(f"call {n}") for n in range(3))))

    for _ in range(3):
        call()

    tries = [wait / 0.005 for wait in waits]
    assert tries == pytest.approx([2, 4, 8, 8, 2**2.6])


def test_the_last_error_goes_on_to_the_caller():
    flaky = Flaky(*(RecordConflictError(f"call {n}") for n in range(1, 9)))

    with pytest.raises(RecordConflictError, match="call 3"):
        retry_on_conflict(max_attempts=3)(flaky)()

    assert flaky.calls == 3


def test_other_errors_are_not_repeated():
    flaky = Flaky(ValueError("no such trick"))

    with pytest.raises(ValueError, match="no such trick"):
        retry_on_conflict(flaky)()

    assert flaky.calls == 1


def test_a_number_of_attempts_that_is_none_is_refused():
    with pytest.raises(TypeError, match="max_attempts is 0. Give a whole number from 1."):
        retry_on_conflict(max_attempts=0)


def test_a_deadlock_is_repeated_where_no_transaction_is_open():
    assert retry_on_conflict(Flaky(deadlock()))() == 2


def test_a_deadlock_that_a_recorder_tells_of_is_repeated():
    error = OperationalError("deadlock detected")
    error.__cause__ = deadlock()

    assert retry_on_conflict(Flaky(error))() == 2


def test_a_deadlock_within_a_transaction_goes_on_to_the_caller(database):
    with pytest.raises(db.OperationalError), transaction.atomic(using=database):
        retry_on_conflict(Flaky(deadlock()))()


def test_a_deadlock_without_autocommit_goes_on_to_the_caller(database):
    """What the transaction has written before is undone, too."""
    connection = connections[database]
    connection.set_autocommit(False)
    try:
        with pytest.raises(db.OperationalError):
            retry_on_conflict(Flaky(deadlock()))()
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def test_a_conflict_within_a_transaction_is_repeated_in_it(database):
    with transaction.atomic(using=database):
        assert retry_on_conflict(Flaky(RecordConflictError("x")))() == 2


@on("postgres", "mariadb")
def test_a_conflict_that_the_transaction_cannot_see_the_end_of_goes_on(database, monkeypatch):
    flaky = Flaky(RecordConflictError("x"))

    @transaction.atomic(using=database)
    def call():
        monkeypatch.setattr(connections[database], "isolation_level", "repeatable read")
        retry_on_conflict(flaky)()

    with pytest.raises(RecordConflictError):
        call()

    assert flaky.calls == 1
