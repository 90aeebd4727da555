"""Dry-run: what processing would do is shown, and nothing of it stays."""

from asyncio import CancelledError

import pytest
from django.conf import settings
from django.contrib.auth.models import Group

from django_eventsourcing import get_application, processed_event
from django_eventsourcing.dead_letters import (
    DeadLetterError,
    RowChanges,
    discard,
    dry_run,
    next_notification,
)
from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import stored_event
from tests.databases import on
from tests.django.dead_letters.clerks import Clerk, Ledger, pipe_of, work
from tests.django.own_models.models import TrickCount

pytestmark = pytest.mark.long_elsewhere("mariadb")


@pytest.fixture
def run(configured, teach, letters):
    """Park a bad trick; return what dry-runs it."""
    system = configured()
    teach(system, "bad")
    work(pipe_of(system))
    (number,) = letters("notification_id")
    return lambda: dry_run(system, "Clerk", "DogSchool", number)


def test_it_shows_events_rows_and_statements(run, mended, letters):
    mended()
    (dog_id,) = letters("originator_id")

    shown = run()

    assert shown.error == ""
    (event,) = shown.events
    assert (event.application_name, event.originator_version) == ("Clerk", 3)
    assert event.originator_id == str(Ledger.create_id(dog_id))
    assert event.topic == "tests.django.dead_letters.clerks:Ledger.Written"
    assert event.data["version"] == 2
    assert shown.rows == [RowChanges(model="own_models.TrickCount", inserted=1)]
    assert any("own_models_trickcount" in statement for statement in shown.statements)
    assert not any("SAVEPOINT" in statement for statement in shown.statements)


def test_a_policy_that_is_cancelled_would_fail(run, mended, monkeypatch):
    mended()

    def give_up(clerk, domain_event, processing_event):
        raise CancelledError("given up")

    monkeypatch.setattr(Clerk, "policy", give_up)

    assert run().error == "CancelledError: given up"


def test_the_policy_sees_which_event_it_processes(run, letters, monkeypatch):
    (number,) = letters("notification_id")
    seen = []
    monkeypatch.setattr(Clerk, "policy", lambda *_: seen.append(processed_event()))

    run()

    (event,) = seen
    assert event.reference == f"DogSchool:{number}"
    assert processed_event() is None


def test_nothing_of_it_stays(run, mended, database, letters):
    mended()
    before = (
        StoredEventRecord.objects.using(database).count(),
        list(TrackingRecord.objects.using(database).order_by("id").values()),
        letters("status", "attempts", "error"),
    )

    run()

    assert not TrickCount.objects.using(database).filter(trick="bad").exists()
    assert before == (
        StoredEventRecord.objects.using(database).count(),
        list(TrackingRecord.objects.using(database).order_by("id").values()),
        letters("status", "attempts", "error"),
    )


def test_nobody_is_prompted_and_nothing_cached(run, mended, configured, letters):
    mended()
    clerk = get_application(Clerk)
    prompts = []

    class Receiver:
        def receive_recording_event(self, new_recording_event):
            prompts.append(new_recording_event)

    clerk.lead(Receiver())

    run()

    clerk.repository.fastforward = False
    assert clerk.versions_of(letters("originator_id")[0]) == [1]
    assert prompts == []


def test_a_failure_is_shown_with_its_trace(run):
    shown = run()

    assert shown.error == "ValueError: cannot write down bad"
    assert "raise ValueError" in shown.traceback
    assert shown.events == []


def test_the_next_notification_of_a_follower_that_has_stopped_is_shown(configured, teach):
    system = configured()
    teach(system)
    following = next_notification(system, "Clerk", "DogSchool")

    shown = dry_run(system, "Clerk", "DogSchool", following.id)

    assert [event.originator_version for event in shown.events] == [1, 2]
    assert next_notification(system, "Clerk", "DogSchool") == following


def test_rows_are_counted_whatever_writes_them(configured, teach, database, monkeypatch):
    def change(self, domain_event, processing_event):
        groups = Group.objects.using(database)
        groups.bulk_create(Group(name=f"group {n}") for n in range(3))
        groups.filter(name="group 0").update(name="renamed")
        groups.filter(name__startswith="group").delete()

    monkeypatch.setattr(Clerk, "policy", change)
    system = configured()
    teach(system)

    shown = dry_run(
        system, "Clerk", "DogSchool", next_notification(system, "Clerk", "DogSchool").id
    )

    (groups,) = [rows for rows in shown.rows if rows.model == "auth.Group"]
    assert groups == RowChanges(model="auth.Group", inserted=3, updated=1, deleted=2)


@pytest.mark.skipif(
    "postgres" not in settings.DATABASES, reason="needs a second database: set TEST_POSTGRES_URL"
)
@pytest.mark.django_db(transaction=True, databases=["default", "postgres"])
@on("default")
def test_recording_events_in_another_database_is_refused(configured, teach, monkeypatch):
    elsewhere = DjangoApplicationRecorder("CatSchool", alias="postgres")
    monkeypatch.setattr(
        Clerk, "policy", lambda self, *args: elsewhere.insert_events([stored_event()])
    )
    system = configured()
    teach(system)

    shown = dry_run(
        system, "Clerk", "DogSchool", next_notification(system, "Clerk", "DogSchool").id
    )

    assert "It writes to the database 'postgres'" in shown.error
    assert elsewhere.select_notifications(None, 10) == []


@pytest.mark.skipif(
    "postgres" not in settings.DATABASES, reason="needs a second database: set TEST_POSTGRES_URL"
)
@pytest.mark.django_db(transaction=True, databases=["default", "postgres"])
@on("default")
def test_writing_to_another_database_is_refused(configured, teach, monkeypatch):
    def write_elsewhere(self, domain_event, processing_event):
        Group.objects.using("postgres").create(name="effect")

    monkeypatch.setattr(Clerk, "policy", write_elsewhere)
    system = configured()
    teach(system)

    shown = dry_run(
        system, "Clerk", "DogSchool", next_notification(system, "Clerk", "DogSchool").id
    )

    assert shown.error == (
        "DeadLetterError: It writes to the database 'postgres', and a dry-run can take back only "
        "what is written to 'default'. HINT: Keep what the follower writes in its own database; "
        "then it also commits with the position."
    )


def test_what_is_given_up_needs_a_reason(configured, teach, letters):
    system = configured()
    teach(system, "bad")
    work(pipe_of(system))

    with pytest.raises(DeadLetterError) as raised:
        discard(system, "Clerk", letters("notification_id")[0], reason=" ")

    assert str(raised.value) == (
        "A notification is not given up without a reason.  HINT: Say why: others will want to know."
    )
