"""Checks of the databases that keep events: the order of ids, and what is committed."""

import pytest
from django.conf import settings as django_settings
from django.db import connections

from django_eventsourcing.database_checks import faults_of
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.registry import reset
from eventsourcing.conformance import stored_event
from tests.databases import on
from tests.django.own_models.models import DogEvent, UnorderedEvent
from tests.django.own_models.test_checks import configure, found
from tests.django.persistence.elsewhere import Elsewhere

SEQUENCE = "own_models_dogevent_id_seq"
THE_SEQUENCE = f"The sequence {SEQUENCE} of own_models.DogEvent in the database 'postgres'"


@pytest.fixture(autouse=True)
def _forget():
    yield
    reset()


@pytest.fixture
def execute(database):
    def execute(statement, params=None):
        with connections[database].cursor() as cursor:
            cursor.execute(statement, params)

    return execute


@pytest.fixture
def cached_ids(execute):
    """Have each connection draw 20 ids at once."""
    execute(f"ALTER SEQUENCE {SEQUENCE} CACHE 20")
    yield
    execute(f"ALTER SEQUENCE {SEQUENCE} CACHE 1")


CACHED = (
    (
        f"{THE_SEQUENCE} has CACHE 20: connections draw ids ahead of their turn, and followers skip "
        "events for ever."
    ),
    (
        f"Run 'ALTER SEQUENCE {SEQUENCE} CACHE 1', then restart whatever records events: open "
        "connections keep the ids that they have drawn."
    ),
)


@on("postgres")
def test_e014_a_sequence_that_caches_ids(settings, database, cached_ids):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)

    assert found(databases=[database]) == ["E014 {}  HINT: {}".format(*CACHED)]


@on("postgres")
def test_a_sequence_that_caches_ids_gives_them_out_of_order(database, cached_ids):
    recorder = DjangoApplicationRecorder("DogSchool", alias=database, model=DogEvent)

    with Elsewhere() as first, Elsewhere() as second:
        (before,) = first.do(recorder.insert_events, [stored_event()])
        (other,) = second.do(recorder.insert_events, [stored_event()])
        (after,) = first.do(recorder.insert_events, [stored_event()])

    assert before < after < other


@on("postgres")
def test_e014_a_sequence_that_is_behind_the_events(settings, database, execute):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)
    recorder = DjangoApplicationRecorder("DogSchool", alias=database, model=DogEvent)
    (last,) = recorder.insert_events([stored_event()])
    assert found(databases=[database]) == []

    # As a dump does that is read back without its sequences.
    execute("UPDATE own_models_dogevent SET id = id + 1000")

    (text,) = found(databases=[database])
    assert text == (
        f"E014 {THE_SEQUENCE} is at {last}, and there is an event with the id {last + 1000}: "
        'followers skip the events that get lower ids from now on.  HINT: Run "SELECT '
        f"setval('{SEQUENCE}', {last + 1000})\" while nothing records events."
    )
    execute(text.partition('"')[2].partition('"')[0])
    assert found(databases=[database]) == []
    assert recorder.insert_events([stored_event()]) == [last + 1001]


@on("postgres")
def test_what_makes_followers_skip_events_is_told_before_a_system_runs(database, cached_ids):
    faults = faults_of(database, [DogEvent, DogEvent, UnorderedEvent, StoredEventRecord])

    assert [(fault.id, fault.message, fault.hint) for fault in faults] == [("E014", *CACHED)]


def test_tables_in_order_have_no_faults(database):
    assert faults_of(database, [DogEvent, StoredEventRecord]) == []


def test_e016_autocommit_that_is_off(settings, monkeypatch):
    recommended = django_settings.DATABASES["default"] | {"AUTOCOMMIT": False}
    configure(settings, {})
    monkeypatch.setattr(django_settings, "DATABASES", {"default": recommended})

    assert found() == [
        (
            "E016 The database 'default' keeps events, and DATABASES['default']['AUTOCOMMIT'] is "
            "off: nothing commits what followers process, and nobody is told of new events.  HINT: "
            "Remove AUTOCOMMIT there, and use transaction.atomic() for transactions."
        )
    ]


def test_autocommit_may_be_off_where_no_events_are_kept(settings, monkeypatch):
    configure(settings, {}, ENV={"PERSISTENCE_MODULE": "eventsourcing.popo"})
    database = django_settings.DATABASES["default"] | {"AUTOCOMMIT": False}
    monkeypatch.setattr(django_settings, "DATABASES", {"default": database})

    assert found() == []
