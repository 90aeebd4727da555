"""Transactions: writing joins the caller's, and prompts leave after its commit only."""

import logging

import pytest
from django.db import transaction

from eventsourcing.conformance import selected, stored_event


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
