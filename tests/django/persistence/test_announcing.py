"""Announcing: what is committed wakes who waits in this process; what is rolled back wakes nobody."""

import pytest
from django.db import connections, transaction

from eventsourcing.conformance import stored_event
from eventsourcing.persistence import Tracking
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere
from tests.django.runners.servers import cut_connection

WRITES = {
    "events": lambda recorder: recorder.insert_events([stored_event()]),
    "position": lambda recorder: recorder.insert_tracking(Tracking("DogSchool", 1)),
    "both": lambda recorder: recorder.insert_events(
        [stored_event()], tracking=Tracking("DogSchool", 1)
    ),
}


@pytest.fixture(params=WRITES)
def write(request):
    return WRITES[request.param]


def test_a_write_is_announced_at_once_without_a_transaction(process_recorder, write):
    mark = process_recorder.announcer.mark()

    write(process_recorder)

    assert process_recorder.announcer.wait(mark, timeout=0)


def test_a_write_is_announced_when_the_callers_transaction_is_committed(
    database, process_recorder, write
):
    mark = process_recorder.announcer.mark()

    with transaction.atomic(using=database):
        write(process_recorder)
        assert not process_recorder.announcer.wait(mark, timeout=0)

    assert process_recorder.announcer.wait(mark, timeout=0)


def test_a_write_with_autocommit_off_is_not_announced(database, process_recorder, write):
    mark = process_recorder.announcer.mark()

    transaction.set_autocommit(False, using=database)
    try:
        write(process_recorder)
        assert not process_recorder.announcer.wait(mark, timeout=0)
    finally:
        transaction.rollback(using=database)
        transaction.set_autocommit(True, using=database)

    assert not process_recorder.announcer.wait(mark, timeout=0)


def test_a_write_that_is_rolled_back_is_not_announced(database, process_recorder, write):
    mark = process_recorder.announcer.mark()

    with transaction.atomic(using=database):
        write(process_recorder)
        transaction.set_rollback(True, using=database)

    assert not process_recorder.announcer.wait(mark, timeout=0)


def test_a_write_that_is_rolled_back_with_its_savepoint_is_not_announced(
    database, process_recorder, write
):
    mark = process_recorder.announcer.mark()

    with transaction.atomic(using=database), transaction.atomic(using=database):
        write(process_recorder)
        transaction.set_rollback(True, using=database)

    assert not process_recorder.announcer.wait(mark, timeout=0)


def test_a_notification_that_is_processed_is_announced_with_its_unit_of_work(process_recorder):
    tracking = Tracking("DogSchool", 1)
    mark = process_recorder.announcer.mark()

    with process_recorder.processing(tracking):
        process_recorder.insert_events([stored_event()], tracking=tracking)
        assert not process_recorder.announcer.wait(mark, timeout=0)

    assert process_recorder.announcer.wait(mark, timeout=0)


def test_a_subscription_does_not_see_what_is_not_committed(database, process_recorder):
    process_recorder.poll_interval = 0.01
    topics = ["school:Kept"]

    with Elsewhere() as elsewhere, process_recorder.subscribe(topics=topics) as subscription:
        pending = elsewhere.start(next, subscription)
        with transaction.atomic(using=database):
            process_recorder.insert_events([stored_event(topic="school:Kept")])
            transaction.set_rollback(True, using=database)
        process_recorder.insert_events([stored_event(topic="school:Kept", state=b"second")])
        assert pending.result(timeout=30).state == b"second"


@on("postgres", "mariadb")
def test_a_subscription_that_waits_outlives_its_connection(database, process_recorder):
    first, second = stored_event(), stored_event()
    process_recorder.insert_events([first])

    with Elsewhere() as elsewhere, process_recorder.subscribe() as subscription:
        assert elsewhere.do(next, subscription).originator_id == first.originator_id
        elsewhere.do(cut_connection, database)
        process_recorder.insert_events([second])
        assert elsewhere.do(next, subscription).originator_id == second.originator_id


def test_a_look_leaves_the_connection_of_an_open_transaction(database, process_recorder):
    with transaction.atomic(using=database):
        process_recorder.renew()

        assert connections[database].connection is not None
