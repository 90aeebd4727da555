"""Inserts: few statements, all or nothing, into whatever table a project has."""

from datetime import timedelta

import pytest
from django.db import connections, models, transaction
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from django_eventsourcing import event_metadata
from django_eventsourcing.fields import ExactCharField
from django_eventsourcing.models import AbstractStoredEvent, StoredEventRecord
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import stored_event, stream
from eventsourcing.persistence import IntegrityError, RecordConflictError
from tests.databases import on
from tests.django.own_models.models import LetterEvent

MANY = 1200
"""More events than fit into two statements on any database."""
HOSTILE = """Zoë's "%s" 100% %(a)s `x` \\ %%"""

with isolate_apps("tests.django.own_models"):

    class TenantEvent(AbstractStoredEvent):
        """Has a field of its own."""

        tenant = models.CharField(max_length=10, default="north")

        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"

    class StampedEvent(AbstractStoredEvent):
        """Has the time stamped on it by its field."""

        recorded_at = models.DateTimeField(auto_now_add=True)

        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"

    class DefaultedEvent(AbstractStoredEvent):
        """Has metadata of its own, where there are no others."""

        def by_default():
            return {"user": "nobody"}

        metadata = models.JSONField(default=by_default, blank=True)

        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"

    class NoisyQuerySet(StoredEventQuerySet):
        """Notes what is created in bulk."""

        seen = []

        def bulk_create(self, objs, *args, **kwargs):
            self.seen.append(len(objs))
            return super().bulk_create(objs, *args, **kwargs)

    class NoisyEvent(AbstractStoredEvent):
        """Has a manager of its own."""

        objects = NoisyQuerySet.as_manager()

        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"

    class StrangeEvent(AbstractStoredEvent):
        """Has a table and columns of strange names."""

        topic = ExactCharField(max_length=1024, db_column="what's up")
        state = models.BinaryField(db_column="the state")

        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"
            db_table = "Zoë's events"
            constraints = []
            indexes = []


@pytest.fixture
def recorder_of(database):
    """Return what makes a recorder of a model, and the table of the model."""
    made = []

    def recorder_of(model, name="DogSchool"):
        with connections[database].schema_editor() as editor:
            editor.create_model(model)
        made.append(model)
        return DjangoApplicationRecorder(name, alias=database, model=model)

    yield recorder_of
    for model in made:
        with connections[database].schema_editor() as editor:
            editor.delete_model(model)


def statements_of(database, call):
    """Return the statements of a call."""
    with CaptureQueriesContext(connections[database]) as queries:
        call()
    return [query["sql"] for query in queries]


@on("default", "postgres")
@pytest.mark.parametrize("number", [1, 3])
def test_a_save_that_is_alone_is_one_statement(database, application_recorder, number):
    application_recorder.notifies_others = False
    application_recorder.insert_events([stored_event()])

    found = statements_of(
        database, lambda: application_recorder.insert_events(stream(*range(1, number + 1)))
    )

    assert len(found) == 1
    assert "INSERT INTO" in found[0]


@on("default", "postgres")
def test_a_conflict_of_a_save_that_is_alone_leaves_nothing(application_recorder):
    first, second = stream(1, 2)
    application_recorder.insert_events([second])

    with pytest.raises(RecordConflictError, match=f"version 2 of {first.originator_id} has been"):
        application_recorder.insert_events([first, second])

    assert len(application_recorder.select_notifications(None, 10)) == 1
    application_recorder.insert_events([first])


@pytest.mark.parametrize("number", [2, MANY])
def test_a_conflict_within_a_transaction_leaves_it_usable(database, application_recorder, number):
    events = stream(*range(1, number + 1))
    application_recorder.insert_events(events[-1:])
    other = stored_event()

    with transaction.atomic(using=database):
        application_recorder.insert_events([other])
        with pytest.raises(RecordConflictError, match=f"version {number} of"):
            application_recorder.insert_events(events)
        application_recorder.insert_events(events[:1])

    found = application_recorder.select_notifications(None, MANY)
    assert [(n.originator_id, n.originator_version) for n in found] == [
        (each.originator_id, each.originator_version) for each in (events[-1], other, events[0])
    ]


def test_more_events_than_one_statement_takes_are_all_or_nothing(database, application_recorder):
    events = stream(*range(1, MANY + 1))
    application_recorder.insert_events(events[-1:])

    with pytest.raises(RecordConflictError):
        application_recorder.insert_events(events)

    assert StoredEventRecord.objects.using(database).count() == 1


def test_ids_are_in_the_order_of_the_events(database, application_recorder):
    events = [stored_event(version=version) for version in range(MANY, 0, -1)]

    ids = application_recorder.insert_events(events)

    found = dict(StoredEventRecord.objects.using(database).values_list("id", "originator_version"))
    assert [found[id_] for id_ in ids] == [event.originator_version for event in events]
    assert list(ids) == sorted(ids)
    assert [n.id for n in application_recorder.select_notifications(None, MANY)] == list(ids)


def test_each_event_has_the_metadata_that_were_collected_for_it(database, application_recorder):
    contexts = [{"user": "ann"}, {}, {"user": "ben", "text": HOSTILE}, {}, {"user": "ann"}]

    application_recorder.insert_events(stream(1, 2, 3, 4, 5), contexts=contexts)

    found = StoredEventRecord.objects.using(database).order_by("originator_version")
    assert list(found.values_list("metadata", flat=True)) == contexts


def test_all_events_of_a_save_have_its_metadata(database, application_recorder):
    with event_metadata(user=HOSTILE):
        application_recorder.insert_events(stream(1, 2))
    application_recorder.insert_events(stream(1))

    found = StoredEventRecord.objects.using(database).order_by("id")
    assert list(found.values_list("metadata", flat=True)) == [{"user": HOSTILE}] * 2 + [{}]


@pytest.mark.parametrize("number", [1, MANY])
def test_names_and_values_may_have_any_signs(database, number):
    recorder = DjangoApplicationRecorder(HOSTILE, alias=database)
    events = [
        stored_event(version=version, topic=HOSTILE, state=HOSTILE.encode() + b"\x00\xff%s")
        for version in range(1, number + 1)
    ]

    recorder.insert_events(events)

    assert recorder.select_events(events[0].originator_id) == events[:1]
    assert {n.topic for n in recorder.select_notifications(None, 5, topics=[HOSTILE])} == {HOSTILE}
    assert StoredEventRecord.objects.using(database).of(HOSTILE).count() == number


def test_a_table_and_columns_may_have_strange_names(recorder_of):
    recorder = recorder_of(StrangeEvent)
    events = stream(1, 2)

    ids = recorder.insert_events(events)

    assert recorder.select_events(events[0].originator_id) == events
    assert [n.id for n in recorder.select_notifications(None, 10)] == ids


@pytest.mark.parametrize("number", [1, MANY])
def test_ids_of_originators_may_be_text(database, number):
    recorder = DjangoApplicationRecorder("Letters", alias=database, model=LetterEvent)
    events = [stored_event(f"{HOSTILE} {version % 2}", version) for version in range(1, number + 1)]

    recorder.insert_events(events)

    found = recorder.select_notifications(None, MANY)
    assert [(n.originator_id, n.originator_version) for n in found] == [
        (event.originator_id, event.originator_version) for event in events
    ]


def test_further_fields_have_their_defaults(recorder_of, database):
    recorder = recorder_of(TenantEvent)

    recorder.insert_events(stream(1, 2))

    assert set(TenantEvent.objects.using(database).values_list("tenant", flat=True)) == {"north"}


def test_a_time_that_is_stamped_by_the_field_is_that_of_the_insert(recorder_of, database):
    recorder = recorder_of(StampedEvent)

    recorder.insert_events(stream(1, 2))

    times = StampedEvent.objects.using(database).values_list("recorded_at", flat=True)
    assert all(abs(time - timezone.now()) < timedelta(minutes=5) for time in times)
    assert len(times) == 2


def test_metadata_have_the_default_of_the_field_where_there_are_none(recorder_of, database):
    recorder = recorder_of(DefaultedEvent)

    recorder.insert_events(stream(1), contexts=[{"user": "ann"}])
    recorder.insert_events(stream(1, 2), contexts=[{}, {"user": "ben"}])

    found = DefaultedEvent.objects.using(database).order_by("id")
    users = [metadata["user"] for metadata in found.values_list("metadata", flat=True)]
    assert users == ["ann", "nobody", "ben"]


def test_a_manager_of_its_own_is_asked(recorder_of):
    recorder = recorder_of(NoisyEvent)
    NoisyQuerySet.seen.clear()

    recorder.insert_events(stream(1, 2))

    assert NoisyQuerySet.seen == [2]
    assert len(recorder.select_notifications(None, 10)) == 2


@pytest.mark.parametrize("uses_zones", [True, False])
def test_the_time_of_recording_is_that_of_the_project(
    settings, database, application_recorder, uses_zones
):
    settings.USE_TZ = uses_zones
    before = timezone.now()

    application_recorder.insert_events(stream(1, 2))

    (time,) = set(StoredEventRecord.objects.using(database).values_list("recorded_at", flat=True))
    assert timezone.is_aware(time) is uses_zones
    assert before <= time <= timezone.now()
    (notification, _) = application_recorder.select_notifications(None, 10)
    assert notification.recorded_at == time


def test_no_events_are_no_statement(database, application_recorder):
    application_recorder.insert_events([stored_event()])

    found = statements_of(database, lambda: application_recorder.insert_events([]))

    assert [sql for sql in found if "INSERT" in sql or "SELECT" in sql] == []


def test_other_errors_of_the_database_are_translated(application_recorder, monkeypatch):
    event = stored_event()
    monkeypatch.setattr(application_recorder, "_check", lambda event: None)

    with pytest.raises(IntegrityError):
        application_recorder.insert_events([type(event)(event.originator_id, 1, None, event.state)])


def test_events_of_a_transaction_that_is_rolled_back_are_gone(database, application_recorder):
    with transaction.atomic(using=database):
        application_recorder.insert_events(stream(1, 2))
        transaction.set_rollback(True, using=database)

    assert application_recorder.select_notifications(None, 10) == []
