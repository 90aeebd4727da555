"""Pulling: followers that a view lets process, within the transaction of its request."""

from threading import Event

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError
from django.db.models import F

from django_eventsourcing import get_system, registry
from eventsourcing.persistence import OperationalError as PersistenceOperationalError
from eventsourcing.system import System
from tests.core.school import DogSchool
from tests.databases import on
from tests.django.locks import is_taken, limit_waits
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.schools import Obedient, teach
from tests.waiting import wait_until

obedient_system = System(pipes=[[DogSchool, Obedient]])


@pytest.fixture
def configured(settings, database):
    def configure():
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.test_pulling.obedient_system",
                "DATABASE": database,
            }
        }
        system = get_system()
        school = system.get(DogSchool)
        system.get(Obedient).follow("DogSchool", school.notification_log, school.mapper)
        return system

    yield configure
    registry.reset()


def test_a_view_that_pulls_twice_does_not_wait_for_a_worker_that_waits_for_it(configured, database):
    system = configured()
    school, counters = system.get(DogSchool), system.get(Obedient)
    dog_id = teach(school, ["sit"])

    with Elsewhere() as view, Elsewhere() as worker:
        worker.do(limit_waits, database)
        held = OpenTransaction(view, database)
        view.do(counters.pull_and_process, "DogSchool")
        pending = worker.start(counters.pull_and_process, "DogSchool")
        wait_until(lambda: is_taken(counters.processing_lock), "the worker is about to claim")
        view.do(school.add_trick, dog_id, "sit")
        pulled = view.start(counters.pull_and_process, "DogSchool")
        pulled.result(timeout=10)
        held.commit()
        pending.result(timeout=30)

    assert counters.get_count("sit") == 2
    assert counters.recorder.max_tracking_id("DogSchool") == school.recorder.max_notification_id()


@on("postgres")
def test_a_view_whose_row_a_policy_waits_for_is_told_of_the_deadlock_by_the_database(
    configured, database, monkeypatch
):
    system = configured()
    counters = system.get(Obedient)
    teach(system.get(DogSchool), ["sit"])
    rows = Group.objects.using(database)
    rows.create(name="taken")
    is_in_policy = Event()

    def rename(follower, domain_event):
        is_in_policy.set()
        rows.update(name=F("name"))

    monkeypatch.setattr(Obedient, "told", rename)

    with Elsewhere() as view, Elsewhere() as worker:
        worker.do(limit_waits, database)
        held = OpenTransaction(view, database)
        view.do(lambda: rows.update(name=F("name")))
        pending = worker.start(counters.pull_and_process, "DogSchool")
        assert is_in_policy.wait(20)
        pulled = view.start(counters.pull_and_process, "DogSchool")
        error = pulled.exception(timeout=15)
        held.roll_back()
        pending.result(timeout=30)

    assert error is None or isinstance(error, OperationalError | PersistenceOperationalError)
    assert counters.get_count("sit") == 1
