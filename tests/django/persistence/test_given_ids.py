"""Ids that are given rather than drawn, in transactions that have saved events before."""

from functools import partial

import pytest
from django import db

from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.ordering import GivenIdsDeadlockError
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.runners.outages import is_outage
from eventsourcing.conformance import selected, stored_event
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.django.persistence.test_ordering import event_with_id

TABLE = StoredEventRecord._meta.db_table


def give_id(alias, how, id_):
    record = event_with_id(id_)
    if how == "save":
        record.save(using=alias)
    else:
        StoredEventRecord.objects.using(alias).bulk_create([record])


@on("postgres")
@pytest.mark.parametrize("how", ["save", "bulk_create"])
def test_of_two_that_give_ids_after_a_save_one_is_told_why_it_ends(database, how):
    recorder = DjangoApplicationRecorder("DogSchool", alias=database)

    with Elsewhere() as one, Elsewhere() as other:
        opened = [OpenTransaction(one, database), OpenTransaction(other, database)]
        saved = [side.do(recorder.insert_events, [stored_event()])[0] for side in (one, other)]
        ids = [100 + id_ for id_ in saved]
        given = [
            side.start(partial(give_id, database, how, id_))
            for side, id_ in zip((one, other), ids, strict=True)
        ]
        errors = [each.exception(timeout=30) for each in given]
        for error, held in zip(errors, opened, strict=True):
            held.commit() if error is None else held.roll_back()

    (error,) = (each for each in errors if each is not None)
    ended = errors.index(error)
    assert isinstance(error, GivenIdsDeadlockError)
    assert isinstance(error, db.OperationalError)
    assert is_outage(error)
    assert str(error) == (
        f"Database 'postgres': ids up to {ids[ended]} cannot be given to events of {TABLE}: that "
        "waits for all transactions which have recorded events, and one of them waits for this "
        "one.  HINT: Roll back, and give ids in a transaction of their own, before any other write."
    )
    assert selected(recorder, None, 10) == [saved[1 - ended]]


@on("postgres", "mariadb")
def test_ids_given_in_a_transaction_of_their_own_wait_for_those_who_have_saved(database):
    recorder = DjangoApplicationRecorder("DogSchool", alias=database)

    with Elsewhere() as one, Elsewhere() as other:
        held = OpenTransaction(one, database)
        (saved,) = one.do(recorder.insert_events, [stored_event()])
        pending = other.start(partial(give_id, database, "save", saved + 10))
        one.do(recorder.insert_events, [stored_event()])
        held.commit()
        pending.result(timeout=30)

    assert StoredEventRecord.objects.using(database).filter(id=saved + 10).exists()
