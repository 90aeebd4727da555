"""A school whose events are kept in the database of the test; what hears and is heard there."""

import pytest

from django_eventsourcing.runners import listener
from tests.django.runners.conftest import configured
from tests.django.wake_up.listening import Ear
from tests.waiting import wait_until

__all__ = ["configured"]


@pytest.fixture
def ear(database):
    """Return what hears each notification in the database of the test."""
    with Ear(database) as ear:
        yield ear


@pytest.fixture
def listen(database, monkeypatch):
    """Start listeners with short waits, which end with the test."""
    listeners = []

    def start(on_heard=lambda name: None, alias=database, **waits):
        made = listener.Listener(alias, on_heard)
        for name, seconds in {"ping_interval": 0.1, **waits}.items():
            monkeypatch.setattr(made, name, seconds, raising=False)
        listeners.append(made)
        made.start()
        return made

    yield start
    for each in listeners:
        each.stop()
        each.join(10)
        assert not each.is_alive()


@pytest.fixture
def is_listening():
    """Return what waits until a listener is in a state: listening, unless another is given."""

    def wait(listening, state=listener.WakeUpState.LISTENING):
        wait_until(lambda: listening.state == state, str(state))

    return wait
