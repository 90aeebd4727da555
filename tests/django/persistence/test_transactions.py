"""Transactions: writing joins the caller's, and prompts leave after its commit only."""

import logging

import pytest
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from eventsourcing.application import AggregateNotFoundError
from eventsourcing.conformance import selected, stored_event
from eventsourcing.persistence import RecordConflictError
from tests.core.school import DogSchool
from tests.databases import on


@pytest.fixture
def save(application_recorder):
    """Write an event, and ask for a prompt that carries its id."""

    def _save() -> int:
        (id_,) = application_recorder.insert_events([stored_event()])
        application_recorder.on_commit(lambda: _save.prompts.append(id_))
        return id_

    _save.prompts = []
    return _save


def test_a_write_is_committed_when_the_callers_transaction_is(database, application_recorder, save):
    with transaction.atomic(using=database):
        id_ = save()
        assert save.prompts == []

    assert selected(application_recorder, None, 10) == [id_]
    assert save.prompts == [id_]


def test_a_write_is_rolled_back_when_the_callers_transaction_is(
    database, application_recorder, save
):
    with transaction.atomic(using=database):
        save()
        transaction.set_rollback(rollback=True, using=database)

    assert selected(application_recorder, None, 10) == []
    assert save.prompts == []


def test_a_savepoint_takes_its_own_events_and_prompts_along(database, application_recorder, save):
    with transaction.atomic(using=database):
        before = save()
        with transaction.atomic(using=database):
            save()
            transaction.set_rollback(rollback=True, using=database)
        after = save()

    assert selected(application_recorder, None, 10) == [before, after]
    assert save.prompts == [before, after]


def test_transactions_by_hand_have_no_prompts_before_their_commit(
    database, application_recorder, save, by_hand
):
    save()
    assert save.prompts == []

    transaction.rollback(using=database)

    assert save.prompts == []
    assert selected(application_recorder, None, 10) == []


def test_transactions_by_hand_prompt_for_what_is_atomic_once_they_are_committed(
    database, application_recorder, save, by_hand
):
    with transaction.atomic(using=database):
        id_ = save()
    assert save.prompts == []

    transaction.commit(using=database)
    transaction.set_autocommit(True, using=database)

    assert save.prompts == [id_]


def test_transactions_by_hand_cache_nothing_that_may_be_rolled_back(database, by_hand):
    school = DogSchool(
        env={
            "PERSISTENCE_MODULE": "django_eventsourcing.factory",
            "DJANGO_DB_ALIAS": database,
            "AGGREGATE_CACHE_MAXSIZE": "10",
        }
    )
    fido = school.register_dog("Fido")
    school.get_dog(fido)

    transaction.rollback(using=database)

    with pytest.raises(AggregateNotFoundError):
        school.get_dog(fido)


@pytest.fixture
def by_hand(database):
    """Turn autocommit off, and begin a transaction, which SQLite does at a plain write alone."""
    transaction.set_autocommit(False, using=database)
    Group.objects.using(database).create(name="first")
    yield
    if not transaction.get_autocommit(using=database):
        transaction.rollback(using=database)
        transaction.set_autocommit(True, using=database)


def test_without_a_transaction_a_prompt_leaves_at_once_and_its_error_is_raised(
    application_recorder,
):
    def prompt() -> None:
        raise ValueError("the policy's own")

    with pytest.raises(ValueError, match="the policy's own"):
        application_recorder.on_commit(prompt)


def test_after_a_commit_the_error_of_one_prompt_does_not_stop_the_next(
    database, application_recorder, save, caplog
):
    def prompt() -> None:
        raise ValueError("the policy's own")

    with caplog.at_level(logging.ERROR), transaction.atomic(using=database):
        application_recorder.on_commit(prompt)
        id_ = save()

    assert save.prompts == [id_]
    assert "the policy's own" in caplog.text


@on("postgres")
@pytest.mark.parametrize("number", [1, 3])
def test_events_take_one_round_trip_in_a_transaction(database, application_recorder, number):
    with (
        transaction.atomic(using=database),
        CaptureQueriesContext(connections[database]) as captured,
    ):
        ids = application_recorder.insert_events([stored_event() for _ in range(number)])

    assert len(captured) == 1
    assert selected(application_recorder, None, 10) == ids


def test_a_conflict_leaves_the_transaction_as_it_was(database, application_recorder):
    first, second, third = (stored_event() for _ in range(3))
    application_recorder.insert_events([first])

    with transaction.atomic(using=database):
        before = application_recorder.insert_events([second])
        for events in ([first], [third, first], [third, third]):
            with pytest.raises(RecordConflictError):
                application_recorder.insert_events(events)
        after = application_recorder.insert_events([third])

    assert selected(application_recorder, None, 10)[1:] == [*before, *after]
