"""Through PgBouncer by transaction: events are written and read in order, and LISTEN hears nothing."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections, transaction

from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.runners.listener import WakeUpState
from eventsourcing.conformance import selected, stored_event
from tests.databases import on
from tests.django.wake_up.poolers import Pooler
from tests.waiting import wait_until

pytestmark = on("postgres")


@pytest.fixture
def pooled(database, ear, monkeypatch):
    """Let new connections to the test's database lead through a pooler; return its alias."""
    settings = connections[database].settings_dict
    with Pooler(settings) as pooler:
        connections[database].close()
        with monkeypatch.context() as patch:
            patch.setitem(settings, "HOST", pooler.host)
            patch.setitem(settings, "PORT", pooler.port)
            connections[database].ensure_connection()
            assert connections[database].connection.info.port == int(pooler.port)
            yield database
        connections[database].close()


def test_nothing_is_heard_through_a_transaction_pooler(pooled, listen, caplog):
    caplog.set_level(logging.WARNING, "django_eventsourcing.runners.listener")
    listening = listen(ping_timeout=0.3)

    wait_until(lambda: caplog.messages != [], "told")

    assert listening.state == WakeUpState.POLLING
    (text,) = caplog.messages
    assert text.startswith("LISTEN on the database 'postgres' hears nothing: ")
    assert "PgBouncer" in text


def test_a_save_through_a_transaction_pooler_is_told(pooled, ear):
    DjangoApplicationRecorder("DogSchool", alias=pooled).insert_events([stored_event()])

    assert ear.heard() == ["DogSchool"]


def test_commit_order_holds_through_a_transaction_pooler(pooled):
    recorder = DjangoApplicationRecorder("DogSchool", alias=pooled)

    def write(number):
        try:
            written = []
            for each in range(10):
                with transaction.atomic(using=pooled):
                    ids = recorder.insert_events([stored_event(), stored_event()])
                    is_kept = (number + each) % 5 > 0
                    transaction.set_rollback(not is_kept, using=pooled)
                written += ids if is_kept else []
            return written
        finally:
            connections[pooled].close()

    read = []
    with ThreadPoolExecutor(8) as writers:
        running = [writers.submit(write, number) for number in range(8)]
        while not all(future.done() for future in running):
            read += selected(recorder, read[-1] + 1 if read else None, 1000)
        written = sorted(id_ for future in running for id_ in future.result())
    wait_until(
        lambda: (
            read.extend(selected(recorder, read[-1] + 1 if read else None, 1000))
            or len(read) >= len(written)
        ),
        "read",
    )

    assert read == written
