"""Checks of the databases that keep events: the order of ids, and what is committed."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.db import connections

from django_eventsourcing.database_checks import faults_of
from django_eventsourcing.databases import DatabaseNotReadyError, require_ready
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.ordering import AdvisoryLock, CounterRow
from django_eventsourcing.recorders import DjangoApplicationRecorder
from django_eventsourcing.registry import reset
from eventsourcing.conformance import stored_event
from eventsourcing.persistence import NotSupportedError
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


@on("postgres")
def test_e014_a_trigger_that_makes_writers_wait_for_each_other(settings, database, execute):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)
    with connections[database].schema_editor() as editor:
        _ExclusiveTrigger().install(editor, DogEvent._meta.db_table)
    try:
        assert [text for text in found(databases=[database]) if text.startswith("E014")] == [
            (
                "E014 The table of own_models.DogEvent in the database 'postgres' has a trigger "
                "that takes exclusively the lock that writers share: any two of them end in a "
                "deadlock.  HINT: Add AddCommitOrder('DogEvent'), of "
                "django_eventsourcing.operations, to a new migration of 'own_models', which "
                "replaces the trigger, and migrate the database."
            )
        ]
    finally:
        with connections[database].schema_editor() as editor:
            AdvisoryLock().install(editor, DogEvent._meta.db_table)
    assert found(databases=[database]) == []


class _ExclusiveTrigger(AdvisoryLock):
    """What was installed when writers did not share the lock."""

    @property
    def _locking(self):
        return self._locking_out


@pytest.fixture
def as_replica(execute):
    """Have the server say that it is a replica, in this connection."""
    execute("CREATE FUNCTION public.pg_is_in_recovery() RETURNS bool LANGUAGE sql RETURN true")
    execute("SET search_path = public, pg_catalog")
    yield
    execute("SET search_path = DEFAULT")
    execute("DROP FUNCTION public.pg_is_in_recovery()")


@on("postgres")
def test_e020_a_replica(settings, database, as_replica):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)

    assert found(databases=[database]) == [
        (
            "E020 The database 'postgres' is a replica: it does not show which transactions are "
            "still to commit, so followers would skip their events.  HINT: Let "
            "DATABASES['postgres'] name the primary server."
        )
    ]


@on("postgres")
def test_a_system_is_not_run_on_a_replica(database, as_replica):
    with pytest.raises(DatabaseNotReadyError, match="is a replica"):
        require_ready(database, models=[DogEvent])


@on("postgres")
def test_a_replica_is_not_read(database, as_replica):
    recorder = DjangoApplicationRecorder("DogSchool", alias=database, model=DogEvent)

    with pytest.raises(NotSupportedError, match="cannot be read from a replica"):
        recorder.select_notifications(None, 10)


@on("postgres")
def test_e011_an_isolation_level_that_the_server_gives(settings, database, execute):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)
    execute("SET default_transaction_isolation = 'serializable'")
    try:
        (text,) = found(databases=[database])
    finally:
        execute("SET default_transaction_isolation = DEFAULT")

    assert text.startswith(
        "E011 The PostgreSQL database 'postgres' keeps events, and its isolation level is "
        "'serializable': "
    )


@on("mariadb")
def test_w007_a_node_of_a_cluster(database):
    class Connection:
        alias = database

        @staticmethod
        def cursor():
            return nullcontext(SimpleNamespace(execute=print, fetchone=lambda: ("wsrep_on", "ON")))

    (fault,) = CounterRow().faults(Connection, DogEvent)

    assert (fault.id, fault.message, fault.hint) == (
        "W007",
        (
            "The database 'mariadb' is a node of a Galera cluster: if events are recorded through "
            "more than one of its nodes, followers may skip some."
        ),
        (
            "Record and follow events through the same node, for example by a proxy that sends "
            "all writes to one."
        ),
    )


def test_e019_systems_that_do_not_agree_on_the_order_of_a_table(settings, database):
    settings.EVENTSOURCING = {
        "default": {
            "PIPES": [["tests.core.school.DogSchool"]],
            "DATABASE": database,
            "COMMIT_ORDER": "exclusive",
        },
        "other": {"PIPES": [["tests.core.school.Counters"]], "DATABASE": database},
    }

    assert found() == [
        (
            "E019 EVENTSOURCING['default'] and EVENTSOURCING['other'] keep events in the table "
            f"'django_eventsourcing_storedeventrecord' of the database '{database}', and their "
            "COMMIT_ORDER is 'exclusive' and 'shared'.  HINT: Set the same for both, or give one "
            "of them a table or a database of its own."
        )
    ]


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
