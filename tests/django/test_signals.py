"""Signals: what was recorded is told after the commit, to those who listen, whatever they do."""

import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from django_eventsourcing import announcements, get_application
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.signals import events_recorded
from eventsourcing.conformance import stored_event
from tests.core.school import Counters, DogSchool
from tests.django.commands.conftest import configured
from tests.django.status.rows import add_tricks, ids_of

__all__ = ["configured"]


@pytest.fixture
def heard():
    calls = []

    def hear(sender, signal, **kwargs):
        calls.append((sender, kwargs))

    events_recorded.connect(hear)
    yield calls
    events_recorded.disconnect(hear)


def test_what_was_recorded_is_told_with_its_ids(configured, database, heard):
    configured()

    add_tricks("sit")

    assert heard == [
        (DogSchool, {"application_name": "DogSchool", "notification_ids": [each]})
        for each in ids_of(database)
    ]


def test_it_is_told_after_the_commit(configured, database, heard):
    configured()

    with transaction.atomic(using=database):
        add_tricks("sit")
        assert heard == []

    assert [kwargs["notification_ids"] for _, kwargs in heard] == [[i] for i in ids_of(database)]


def test_what_is_rolled_back_is_not_told(configured, database, heard):
    configured()

    with transaction.atomic(using=database):
        add_tricks("sit")
        transaction.set_rollback(True, using=database)

    assert heard == []


def test_a_receiver_may_listen_to_one_application(configured):
    configured()
    calls = []

    def hear(sender, **kwargs):
        calls.append(sender)

    for sender in (DogSchool, Counters):
        events_recorded.connect(hear, sender=sender)
    try:
        get_application(DogSchool).register_dog("Fido")
    finally:
        for sender in (DogSchool, Counters):
            events_recorded.disconnect(hear, sender=sender)

    assert calls == [DogSchool]


def test_an_error_of_a_receiver_is_logged_and_changes_nothing(configured, database, caplog, heard):
    configured()

    def fail(**kwargs):
        raise RuntimeError("deaf")

    events_recorded.connect(fail)
    try:
        with caplog.at_level(logging.ERROR):
            get_application(DogSchool).register_dog("Fido")
    finally:
        events_recorded.disconnect(fail)

    assert len(ids_of(database)) == len(heard) == 1
    assert "deaf" in caplog.text


def test_an_application_of_no_system_has_no_class(configured, database, heard):
    configured()

    ids = DjangoApplicationRecorder("Nobody", alias=database).insert_events([stored_event()])

    assert heard == [(None, {"application_name": "Nobody", "notification_ids": ids})]


def test_faulty_settings_do_not_keep_it_from_being_told(database, heard, monkeypatch, settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "x"}}

    DjangoApplicationRecorder("Nobody", alias=database).insert_events([stored_event()])

    assert [sender for sender, _ in heard] == [None]


def test_nothing_is_prepared_where_nobody_listens(database, monkeypatch):
    def refuse(*args):
        raise ImproperlyConfigured

    monkeypatch.setattr(announcements.RecordedEvents, "__init__", refuse)

    DjangoApplicationRecorder("Nobody", alias=database).insert_events([stored_event()])
