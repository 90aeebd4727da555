"""Notifying: a commit is told to other processes once, after it, and a rollback is not."""

import logging

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing import notifying
from django_eventsourcing.factory import DjangoFactory
from eventsourcing.conformance import stored_event
from eventsourcing.environment import Environment
from eventsourcing.persistence import Tracking
from tests.core.school import Counters, DogSchool, Tally
from tests.databases import on


@pytest.fixture
def recorder(database):
    return recorder_of("DogSchool", database)


def recorder_of(name, alias):
    return DjangoFactory(Environment(name, {"DJANGO_DB_ALIAS": alias})).process_recorder()


def save(recorder):
    recorder.insert_events([stored_event()])


@on("postgres")
def test_a_save_is_told_with_the_name_of_the_application(recorder, ear):
    save(recorder)

    assert ear.heard() == ["DogSchool"]


@on("postgres")
def test_the_longest_name_is_told(database, ear):
    name = "ö" * 255

    save(recorder_of(name, database))

    assert ear.heard() == [name]


@on("postgres")
def test_several_saves_in_one_transaction_are_told_once_after_the_commit(database, recorder, ear):
    other = recorder_of("Counters", database)

    with transaction.atomic(using=database):
        save(recorder)
        with transaction.atomic(using=database):
            save(other)
        save(recorder)
        save(other)
        assert ear.heard() == []

    assert ear.heard() == ["DogSchool", "Counters"]


@on("postgres")
def test_each_transaction_is_told(database, recorder, ear):
    for _ in range(3):
        with transaction.atomic(using=database):
            save(recorder)

    assert ear.heard() == ["DogSchool"] * 3


@on("postgres")
def test_what_is_rolled_back_is_not_told(database, recorder, ear):
    with transaction.atomic(using=database):
        save(recorder)
        transaction.set_rollback(True, using=database)

    assert ear.heard() == []


@on("postgres")
def test_what_is_rolled_back_with_its_savepoint_is_not_told(database, recorder, ear):
    with transaction.atomic(using=database):
        save(recorder_of("Counters", database))
        with transaction.atomic(using=database):
            save(recorder)
            transaction.set_rollback(True, using=database)

    assert ear.heard() == ["Counters"]


@on("postgres")
def test_a_save_after_a_savepoint_that_was_rolled_back_is_told(database, recorder, ear):
    with transaction.atomic(using=database):
        with transaction.atomic(using=database):
            save(recorder)
            transaction.set_rollback(True, using=database)
        save(recorder)

    assert ear.heard() == ["DogSchool"]


@on("postgres")
def test_what_is_saved_when_a_commit_is_told_of_is_told_too(database, recorder, ear):
    with transaction.atomic(using=database):
        save(recorder)
        transaction.on_commit(lambda: save(recorder), using=database)

    assert ear.heard() == ["DogSchool"] * 2


@on("postgres")
def test_a_save_with_autocommit_off_is_not_told(database, recorder, ear):
    transaction.set_autocommit(False, using=database)
    try:
        save(recorder)
        transaction.commit(using=database)
    finally:
        transaction.set_autocommit(True, using=database)

    assert ear.heard() == []


@on("postgres")
def test_what_a_follower_records_is_told_with_its_unit_of_work(recorder, ear):
    with recorder.processing(Tracking("Upstream", 1)):
        save(recorder)
        save(recorder)
        assert ear.heard() == []

    assert ear.heard() == ["DogSchool"]


@on("postgres")
def test_a_position_alone_is_not_told(recorder, ear):
    recorder.insert_events([], tracking=Tracking("Upstream", 1))
    recorder.insert_tracking(Tracking("Upstream", 2))

    assert ear.heard() == []


@on("postgres")
def test_a_commit_that_a_test_pretends_is_not_told(
    database, recorder, django_capture_on_commit_callbacks
):
    with (
        transaction.atomic(using=database),
        CaptureQueriesContext(connections[database]) as queries,
        django_capture_on_commit_callbacks(using=database, execute=True) as callbacks,
    ):
        save(recorder)

    assert len(callbacks) >= 2
    assert not any("pg_notify" in query["sql"] for query in queries)


@on("postgres")
@pytest.mark.parametrize("in_transaction", [True, False])
def test_what_cannot_be_told_is_logged_and_changes_nothing(
    database, recorder, in_transaction, monkeypatch, caplog
):
    def fail(connection, payload):
        raise RuntimeError("too many\nnotifications")

    monkeypatch.setattr(notifying, "notify", fail)

    if in_transaction:
        with transaction.atomic(using=database):
            save(recorder)
    else:
        save(recorder)

    assert recorder.max_notification_id() is not None
    records = [r for r in caplog.records if r.name == "django_eventsourcing.notifying"]
    assert [(r.levelno, r.getMessage()) for r in records] == [
        (
            logging.WARNING,
            (
                "DogSchool has recorded events, and other processes cannot be told: RuntimeError: "
                "too many notifications"
            ),
        )
    ]


@on("default", "mariadb")
def test_other_databases_are_not_asked_to_tell(database, recorder):
    with CaptureQueriesContext(connections[database]) as queries:
        save(recorder)

    assert not any("notify" in query["sql"].lower() for query in queries)


@on("postgres")
@pytest.mark.parametrize(
    ("listen", "expected"), [("auto", ["DogSchool"]), (True, ["DogSchool"]), (False, [])]
)
def test_a_system_that_does_not_listen_tells_nothing(configured, ear, listen, expected):
    system = configured(LISTEN=listen)

    system.get(DogSchool).register_dog("Fido")

    assert ear.heard() == expected
    assert system.get(Counters).recorder.notifies_others is (listen is not False)


@on("postgres")
def test_what_nobody_follows_tells_nothing(configured, database, ear):
    recorder = configured().get(Tally).recorder

    with CaptureQueriesContext(connections[database]) as queries:
        save(recorder)

    assert ear.heard() == []
    assert not any("notify" in query["sql"].lower() for query in queries)
