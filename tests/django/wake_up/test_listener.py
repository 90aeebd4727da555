"""A listener hears what is notified, notices when it does not, and listens again."""

import logging
import socket
import threading

import pytest
from django.db import connections

from django_eventsourcing.runners import listener as listener_module
from django_eventsourcing.runners.listener import WakeUpState
from tests.databases import on
from tests.django.wake_up.listening import cut_listeners, listeners_at, say
from tests.waiting import wait_until

pytestmark = on("postgres")


@pytest.fixture
def told(caplog):
    """Return what the log says of listeners."""
    caplog.set_level(logging.INFO, listener_module.__name__)
    return lambda: [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == listener_module.__name__
    ]


@pytest.fixture
def deaf(monkeypatch):
    """Let what a listener sends itself get lost, until it is told otherwise."""
    hears = threading.Event()
    original = listener_module.notify

    def notify(connection, payload):
        if hears.is_set():
            original(connection, payload)

    monkeypatch.setattr(listener_module, "notify", notify)
    return hears


def test_hears_what_is_notified(database, listen, is_listening):
    heard = []
    listening = listen(heard.append)
    is_listening(listening)

    say(database, "DogSchool")

    wait_until(lambda: "DogSchool" in heard, "heard")
    # At the start, anything may have been missed.
    assert heard[0] is None


def test_ends_at_once_and_closes_its_connection(database, listen, is_listening):
    listening = listen(ping_interval=3600)
    is_listening(listening)
    assert len(listeners_at(database)) == 1

    listening.stop()
    listening.join(1)

    assert not listening.is_alive()
    assert listening.state == WakeUpState.POLLING
    wait_until(lambda: listeners_at(database) == [], "closed")


def test_may_be_stopped_twice(listen, is_listening):
    listening = listen()
    is_listening(listening)

    listening.stop()
    listening.join(1)
    listening.stop()

    assert not listening.is_alive()


def test_a_lost_connection_is_opened_again_with_one_warning(database, listen, is_listening, told):
    heard = []
    listening = listen(heard.append)
    is_listening(listening)
    heard.clear()

    assert cut_listeners(database) == 1
    wait_until(lambda: len(told()) == 2, "told")
    is_listening(listening)

    # Whatever was recorded meanwhile is looked for.
    assert None in heard
    (lost, text), back = told()
    assert lost == "WARNING"
    assert text.startswith(
        "LISTEN on the database 'postgres' is lost, and is tried again; polling goes on: "
    )
    assert back == ("INFO", "LISTEN on the database 'postgres' is back")
    say(database, "DogSchool")
    wait_until(lambda: "DogSchool" in heard, "heard")


def test_a_connection_that_cannot_be_opened_again_is_one_incident(
    database, listen, is_listening, told, monkeypatch
):
    listening = listen()
    is_listening(listening)
    # The one of this thread stays open.
    connections[database].ensure_connection()
    monkeypatch.setitem(listening_settings(database), "PORT", str(free_port()))
    tries = []
    original = listening._outage.next
    monkeypatch.setattr(listening._outage, "next", lambda: tries.append(original()) or 0.01)

    cut_listeners(database)
    wait_until(lambda: len(tries) > 8, "tried")
    assert listening.state == WakeUpState.LOST
    monkeypatch.undo()
    is_listening(listening)

    assert tries[:9] == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]
    assert [level for level, _ in told()] == ["WARNING", "INFO"]


def test_sends_itself_a_notification_when_it_hears_none(listen, is_listening):
    heard = []
    listening = listen(heard.append)
    is_listening(listening)

    wait_until(lambda: len([each for each in heard if each and each[0] == " "]) > 3, "pinged")

    assert listening.state == WakeUpState.LISTENING


def test_hears_nothing_from_the_start(listen, deaf, told):
    listening = listen(ping_timeout=0.05)

    wait_until(lambda: told() != [], "told")

    assert told() == [
        (
            "WARNING",
            (
                "LISTEN on the database 'postgres' hears nothing: the connection seems to lead through "
                "a transaction pooler, such as PgBouncer; polling goes on.  HINT: Connect the process "
                "that runs the system to the server itself, or set LISTEN to False."
            ),
        )
    ]
    assert listening.state == WakeUpState.POLLING


def test_hearing_nothing_from_the_start_is_told_once_and_tried_seldom(
    listen, deaf, told, is_listening
):
    listening = listen(ping_timeout=0.02, deaf_interval=0.02)
    wait_until(lambda: told() != [], "told")

    deaf.set()
    is_listening(listening)

    assert [level for level, _ in told()] == ["WARNING", "INFO"]


def test_hears_nothing_any_more(listen, deaf, told, is_listening):
    deaf.set()
    listening = listen(ping_timeout=0.5)
    is_listening(listening)

    deaf.clear()
    is_listening(listening, WakeUpState.LOST)
    deaf.set()
    is_listening(listening)

    assert told() == [
        (
            "WARNING",
            (
                "LISTEN on the database 'postgres' is lost, and is tried again; polling goes on: "
                "a notification sent as a test was not heard"
            ),
        ),
        ("INFO", "LISTEN on the database 'postgres' is back"),
    ]


def test_a_test_that_cannot_be_sent_is_no_loss(listen, is_listening, monkeypatch, told, database):
    heard = []
    listening = listen(heard.append)
    is_listening(listening)
    failures = []
    error = connections[database].Database.OperationalError("too many connections")

    def fail(connection, payload):
        failures.append(payload)
        with connection.wrap_database_errors:
            raise error

    monkeypatch.setattr(listener_module, "notify", fail)
    wait_until(lambda: len(failures) > 2, "failed")
    say(database, "DogSchool")
    wait_until(lambda: "DogSchool" in heard, "heard")

    assert listening.state == WakeUpState.LISTENING
    assert told() == []


def test_an_error_of_who_is_told_is_an_incident_that_ends(listen, is_listening, told):
    faults = [ZeroDivisionError("division by zero")]

    def hear(name):
        if faults:
            raise faults.pop()

    is_listening(listen(hear))

    assert told() == [
        (
            "WARNING",
            (
                "LISTEN on the database 'postgres' is lost, and is tried again; polling goes on: "
                "ZeroDivisionError: division by zero"
            ),
        ),
        ("INFO", "LISTEN on the database 'postgres' is back"),
    ]


def test_its_connection_is_not_of_a_pool(database, listen, is_listening, monkeypatch):
    options = listening_settings(database)["OPTIONS"]
    # A pool cannot be made of this: asked for, it would be an error.
    monkeypatch.setitem(options, "pool", {"no such option": True})
    listening = listen()

    is_listening(listening)


def listening_settings(alias):
    return connections[alias].settings_dict


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
