"""No event is skipped: a reader that remembers its position alone sees every event, once."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.db import connections

from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.conformance import stored_event
from tests.databases import on
from tests.django.persistence.elsewhere import Elsewhere, OpenTransaction
from tests.waiting import wait_until


class TailingReader:
    """Reads a log as a follower does: what comes after the last position that it has seen."""

    def __init__(self, alias: str, name: str = "DogSchool") -> None:
        self.recorder = DjangoApplicationRecorder(name, alias=alias)
        self.position = 0
        self.seen: list[int] = []

    def poll(self) -> int:
        """Read on, and return how many notifications there were."""
        found = self.recorder.select_notifications(self.position, 100, inclusive_of_start=False)
        for notification in found:
            self.position = notification.id
            self.seen.append(notification.id)
        return len(found)


def insert_by_recorder(alias: str) -> int:
    return DjangoApplicationRecorder("DogSchool", alias=alias).insert_events([stored_event()])[0]


def unsaved_record() -> StoredEventRecord:
    event = stored_event()
    return StoredEventRecord(
        application_name="DogSchool",
        originator_id=event.originator_id,
        originator_version=event.originator_version,
        topic=event.topic,
        state=event.state,
    )


def insert_by_save(alias: str) -> int:
    record = unsaved_record()
    record.save(using=alias)
    return record.id


def insert_by_bulk_create(alias: str) -> int:
    return StoredEventRecord.objects.using(alias).bulk_create([unsaved_record()])[0].id


COLUMNS = "application_name, originator_id, originator_version, topic, state, metadata, recorded_at"
TABLE = StoredEventRecord._meta.db_table


def insert_by_plain_sql(alias: str) -> int:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {TABLE} ({COLUMNS}) VALUES "
            "('DogSchool', gen_random_uuid(), 1, 'topic', '', '{}', now()) RETURNING id"
        )
        return cursor.fetchone()[0]


def insert_by_copy(alias: str) -> int:
    event = stored_event()
    row = f"DogSchool\t{event.originator_id}\t1\ttopic\t\\\\x\t{{}}\t2026-01-01T00:00:00Z\n"
    with connections[alias].cursor() as cursor:
        with cursor.copy(f"COPY {TABLE} ({COLUMNS}) FROM STDIN") as copy:
            copy.write(row)
        cursor.execute(f"SELECT id FROM {TABLE} WHERE originator_id = %s", [event.originator_id])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("insert", [insert_by_recorder, insert_by_save, insert_by_bulk_create])
def test_an_event_that_commits_late_is_not_skipped(database, insert):
    check_a_late_commit(database, insert)


@on("postgres")
@pytest.mark.parametrize("insert", [insert_by_plain_sql, insert_by_copy])
def test_an_event_of_any_origin_that_commits_late_is_not_skipped(database, insert):
    check_a_late_commit(database, insert)


def check_a_late_commit(database, insert) -> None:
    """Hold an event back while another writer and a reader go on, and see both of them read."""
    reader = TailingReader(database)

    with Elsewhere() as first, Elsewhere() as second:
        held = OpenTransaction(first, database)
        late = first.do(insert, database)
        pending = second.start(insert_by_recorder, database)
        check_who_waits(database, pending)
        for _ in range(50):
            reader.poll()
        assert reader.seen == []
        held.commit()
        other = pending.result(timeout=30)
        wait_until(lambda: reader.poll() == 0 and len(reader.seen) == 2, "both are read")

    assert reader.seen == sorted([late, other])


def check_who_waits(alias, pending) -> None:
    """Have it that a writer does not wait for another one on PostgreSQL, and does elsewhere."""
    if alias == "postgres":
        pending.result(timeout=10)
    else:
        with pytest.raises(TimeoutError):
            pending.result(timeout=0.1)


def test_an_event_that_is_rolled_back_holds_nobody_up(database):
    reader = TailingReader(database)

    with Elsewhere() as first, Elsewhere() as second:
        held = OpenTransaction(first, database)
        first.do(insert_by_recorder, database)
        pending = second.start(insert_by_recorder, database)
        check_who_waits(database, pending)
        for _ in range(50):
            reader.poll()
        held.roll_back()
        other = pending.result(timeout=30)
        wait_until(lambda: reader.poll() == 0 and len(reader.seen) == 1, "the other is read")

    assert reader.seen == [other]


@pytest.mark.long_elsewhere("mariadb")
def test_a_reader_sees_every_event_once_while_processes_write(database):
    check_a_reader(database, writers=4, transactions=20, hold=0.005)


@pytest.mark.stress
def test_a_reader_sees_every_event_once_under_long_load(database):
    check_a_reader(database, writers=8, transactions=800, hold=0.02)


@on("postgres")
def test_readers_that_share_what_they_know_see_every_event_once(database):
    check_readers(database, readers=3, writers=3, transactions=20, hold=0.005)


@on("postgres")
@pytest.mark.stress
def test_readers_that_share_what_they_know_see_every_event_once_under_long_load(database):
    check_readers(database, readers=4, writers=8, transactions=400, hold=0.02)


def check_a_reader(alias: str, *, writers: int, transactions: int, hold: float) -> None:
    """Run the writers, read along, and compare what was seen with what was committed."""
    reader = TailingReader(alias)
    with running_writers(alias, writers, transactions, hold) as processes:
        read_along(reader, processes)
    assert reader.seen == committed_by(processes)


def check_readers(
    alias: str, *, readers: int, writers: int, transactions: int, hold: float
) -> None:
    """Have threads read along, each from where it is."""
    tailing = [TailingReader(alias) for _ in range(readers)]
    with ExitStack() as stack:
        threads = [stack.enter_context(Elsewhere()) for _ in tailing]
        processes = stack.enter_context(running_writers(alias, writers, transactions, hold))
        pending = [
            thread.start(read_along, reader, processes)
            for thread, reader in zip(threads, tailing, strict=True)
        ]
        for each in pending:
            each.result()
    committed = committed_by(processes)
    assert [reader.seen for reader in tailing] == [committed] * readers


@contextmanager
def running_writers(
    alias: str, writers: int, transactions: int, hold: float
) -> Iterator[list[subprocess.Popen]]:
    command = [sys.executable, "-m", "tests.django.persistence.writer", alias]
    options = [f"--transactions={transactions}", f"--hold={hold}"]
    processes = [
        subprocess.Popen(
            [*command, f"--seed={seed}", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(writers)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()


def read_along(reader: TailingReader, processes: list[subprocess.Popen]) -> None:
    """Read while the writers write, and then what is left."""
    deadline = time.monotonic() + 600
    while any(process.poll() is None for process in processes):
        assert time.monotonic() < deadline, "the writers have not finished"
        if not reader.poll():
            time.sleep(0.001)
    while reader.poll():
        pass


def committed_by(processes: list[subprocess.Popen]) -> list[int]:
    outputs = [process.communicate() for process in processes]
    assert [errors for _, errors in outputs] == [""] * len(processes)
    committed = sorted(int(id_) for output, _ in outputs for id_ in output.split())
    assert committed
    return committed


def test_the_id_of_a_rolled_back_event_does_no_harm(database):
    reader = TailingReader(database)

    with Elsewhere() as elsewhere:
        held = OpenTransaction(elsewhere, database)
        elsewhere.do(insert_by_recorder, database)
        reader.poll()
        held.roll_back()
    real = insert_by_recorder(database)
    while reader.poll():
        pass

    assert reader.seen == [real]


def test_the_id_of_a_deleted_event_is_not_given_out_again(database):
    deleted = insert_by_recorder(database)
    StoredEventRecord.objects.using(database).filter(id=deleted).delete()

    assert insert_by_recorder(database) > deleted
