"""
Fill a database of the example project with a long log, made of its sample again and again.

    DATABASE_URL=postgresql://postgres@127.0.0.1/long python -m benchmarks.long_log 10000000

The sample is recorded and processed first; the server then copies its events: each copy of an
aggregate has an id of its own, and its events one correlation, by one of fifty users. One aggregate
has 20,000 events, one follower is far behind, and has set much aside. Nobody may use the database
meanwhile. Drop it when it is no longer needed.
"""

import argparse
import os
import sys
import time
from datetime import timedelta

import django
from django.core.management import call_command
from django.db import connection

EVENTS = "django_eventsourcing_storedeventrecord"
LONG_STREAM = 20_000
DEAD_LETTERS = 20_000
COPIES_AT_ONCE = 500
COLUMNS = "application_name, originator_id, originator_version, topic, state, metadata, recorded_at"
RECURSIVE = (
    "WITH RECURSIVE s (n, stop) AS "
    "(SELECT %s, %s UNION ALL SELECT n + 1, stop FROM s WHERE n < stop) SELECT n FROM s"
)
COPY = {
    # What differs in a copy: its id, its metadata and its time; and the numbers of the copies.
    "postgresql": (
        "md5(e.originator_id::text || k.n)::uuid",
        """jsonb_build_object(
            'correlation_id', md5(e.originator_id::text || k.n), 'user', 'user ' || k.n %% 50)""",
        "e.recorded_at + k.n * interval '1 minute'",
        "SELECT n FROM generate_series(%s, %s) AS s (n)",
    ),
    "sqlite": (
        "md5(e.originator_id || k.n)",
        "json_object('correlation_id', md5(e.originator_id || k.n), 'user', 'user ' || k.n %% 50)",
        "strftime('%%Y-%%m-%%d %%H:%%M:%%f', e.recorded_at, '+' || k.n || ' minutes')",
        RECURSIVE,
    ),
    "mysql": (
        # As one of version 5: MariaDB minds.
        "insert(insert(md5(concat(e.originator_id, k.n)), 13, 1, '5'), 17, 1, 'a')",
        """json_object(
            'correlation_id', md5(concat(e.originator_id, k.n)),
            'user', concat('user ', k.n %% 50))""",
        "e.recorded_at + interval k.n minute",
        RECURSIVE,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=int, help="how many the log is to have at least")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    django.setup()
    call_command("prepare")
    call_command("demo")
    call_command("run_system", "--once", verbosity=0)
    fill(arguments.events)


def fill(wanted: int) -> None:
    """Copy the sample's events until there are as many as wanted, and let a follower be behind."""
    from django_eventsourcing.models import (
        NotificationCounter,
        StoredEventRecord,
        TrackingRecord,
    )

    sample = StoredEventRecord.objects.latest("id").pk
    events = StoredEventRecord.objects.count()
    copies = max(0, wanted - events - LONG_STREAM) // events + 1
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {EVENTS} DISABLE TRIGGER USER")
        started = time.monotonic()
        for first in range(1, copies + 1, COPIES_AT_ONCE):
            last = min(first + COPIES_AT_ONCE - 1, copies)
            cursor.execute(copying(), [first, last, sample])
            rate = last * events / (time.monotonic() - started)
            left = (copies - last) * events / rate
            say(f"events +{last * events:,}  {rate:,.0f}/s  ~{left:.0f} s")
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {EVENTS} ENABLE TRIGGER USER")
        if connection.vendor == "mysql":
            counter = NotificationCounter.objects.filter(event_table=EVENTS)
            counter.update(last_id=StoredEventRecord.objects.latest("id").pk)
    lengthen()
    head = StoredEventRecord.objects.latest("id").pk
    # One follower is far behind, and the others a little.
    for record in TrackingRecord.objects.all():
        is_slow = record.application_name == "CaseBoard"
        record.notification_id = head // 2 if is_slow else head - 150
        record.save()
    set_aside("CaseBoard", "PermitCases")
    analyse()
    say(f"{EVENTS} has {head:,} ids; the long stream is {long_stream()}")


def copying() -> str:
    """Return the statement that copies the sample's events some times, one copy after another."""
    id_, metadata, time_, numbers = COPY[connection.vendor]
    return (
        f"INSERT INTO {EVENTS} ({COLUMNS}) "  # noqa: S608 - all of it stands above
        f"SELECT e.application_name, {id_}, e.originator_version, "
        f"e.topic, e.state, {metadata}, {time_} FROM ({numbers}) k "
        f"CROSS JOIN {EVENTS} e WHERE e.id <= %s ORDER BY k.n, e.id"
    )


def lengthen() -> None:
    """Let one permit case have very many events."""
    from django_eventsourcing.models import StoredEventRecord

    case = StoredEventRecord.objects.get(pk=long_stream_event())
    versions = range(case.originator_version + 1, LONG_STREAM)
    records = [
        StoredEventRecord(
            application_name=case.application_name,
            originator_id=case.originator_id,
            originator_version=version,
            topic=case.topic,
            state=case.state,
            recorded_at=case.recorded_at + timedelta(minutes=version),
        )
        for version in versions
    ]
    StoredEventRecord.objects.bulk_create(records, batch_size=1_000)


def long_stream_event() -> int:
    """Return the id of the last event of the sample's longest permit case."""
    from django_eventsourcing.models import StoredEventRecord

    events = StoredEventRecord.objects.filter(application_name="PermitCases", id__lt=2_000)
    return int(events.order_by("-originator_version", "id").values_list("id", flat=True)[0])


def long_stream() -> str:
    """Return the id of the aggregate that has very many events."""
    from django_eventsourcing.models import StoredEventRecord

    case = StoredEventRecord.objects.get(pk=long_stream_event())
    return str(case.originator_id)


def set_aside(follower: str, upstream: str) -> None:
    """Let the follower have set aside what it came by last."""
    from django_eventsourcing.models import DeadLetterRecord, StoredEventRecord, TrackingRecord

    position = TrackingRecord.objects.get(application_name=follower, upstream_name=upstream)
    events = StoredEventRecord.objects.filter(
        application_name=upstream, id__lte=position.notification_id
    ).order_by("-id")[:DEAD_LETTERS]
    DeadLetterRecord.objects.bulk_create(
        [
            DeadLetterRecord(
                application_name=follower,
                upstream_name=upstream,
                notification_id=event.pk,
                originator_id=str(event.originator_id),
                originator_version=event.originator_version,
                topic=event.topic,
                error="ValueError: the board is full",
                traceback="Traceback (most recent call last):\nValueError: the board is full\n",
                attempts=6,
            )
            for event in events
        ],
        batch_size=1_000,
    )


def analyse() -> None:
    """Let the planner know what there is."""
    statements = {
        "postgresql": ["VACUUM ANALYZE"],
        "sqlite": ["ANALYZE"],
        "mysql": [f"ANALYZE TABLE {EVENTS}"],
    }
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
