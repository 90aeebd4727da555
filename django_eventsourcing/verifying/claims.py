"""Claims: one process at a time fills the scratch tables of a projection."""

from collections.abc import Iterator
from contextlib import contextmanager

from django_eventsourcing.models import FollowerRecord, WorkerRecord
from django_eventsourcing.rebuilding.heartbeat import Heartbeat
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.runners.leases import LeaseTable, LeaseTiming, WorkerIdentity
from django_eventsourcing.segments import Segment
from django_eventsourcing.verifying.errors import VerifyHeldError

__all__ = ["SCRATCH", "claimed"]

SCRATCH = "scratch"
WORKER_NAME = "es_verify"


@contextmanager
def claimed(
    system: ConfiguredSystem, follower: str, timing: LeaseTiming | None = None
) -> Iterator[None]:
    """
    Hold the projection's scratch tables; raise ``VerifyHeldError`` if another process does.

    It is a lease on a name of its own, so that workers go on. That of a process that has died
    ends by itself.
    """
    alias = system.database_of(follower)
    name = Segment(follower=follower, purpose=SCRATCH).name
    identity = WorkerIdentity.of_this_process(system.alias, WORKER_NAME)
    timing = timing or LeaseTiming()
    table = LeaseTable(alias, [name], identity, takes_share=False, timing=timing)
    with database_errors(alias):
        table.prepare()
        table.bury_the_dead()
    with Heartbeat(table, timing):
        with database_errors(alias):
            if not table.take(name):
                raise VerifyHeldError(_held(alias, follower, name))
        try:
            yield
        finally:
            with database_errors(alias):
                rows = FollowerRecord.objects.using(alias).filter(application_name=name)
                rows.filter(lease_owner=identity.id).delete()


def _held(alias: str, follower: str, name: str) -> str:
    owner = FollowerRecord.objects.using(alias).get(application_name=name).lease_owner
    worker = WorkerRecord.objects.using(alias).filter(pk=owner).first() if owner else None
    by = f"by {worker}" if worker else "by another process"
    return (
        f"{follower} is being verified {by}.  HINT: Wait for it; or end that process, and run this "
        "again after 15 seconds."
    )
