"""Prospects: whether a follower that is told something can do it now, or what has to come first."""

from dataclasses import dataclass
from datetime import timedelta

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord, WorkerRecord
from django_eventsourcing.registry import ConfiguredSystem
from django_eventsourcing.segments import Segment
from django_eventsourcing.status.look import STALE_AFTER

__all__ = ["Prospect", "has_worker", "is_run_by_workers", "prospect_of", "record_of"]


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """What a follower waits for before it processes anything."""

    waits_for: str | None = None
    """``resume``, as it is paused; ``worker``, as nobody runs it; or nothing."""
    words: str = ""
    """The same in words that end a sentence, with the remedy; empty if it waits for nothing."""


def prospect_of(system: ConfiguredSystem, name: str) -> Prospect:
    """Return what the follower, or segment, waits for."""
    record = record_of(system, name)
    if record is not None and record.desired_state == FollowerRecord.DesiredState.PAUSED:
        return Prospect(
            waits_for="resume",
            words=f" when it is resumed by 'manage.py es_resume {name}': it is paused now",
        )
    if not has_worker(system, name):
        alias = "" if system.alias == "default" else f" {system.alias}"
        return Prospect(
            waits_for="worker",
            words=f" when 'manage.py run_system{alias}' runs it: no worker does now",
        )
    return Prospect()


def record_of(system: ConfiguredSystem, name: str) -> FollowerRecord | None:
    """Return what the follower's database says of it; ``None`` if it says nothing yet."""
    records = FollowerRecord.objects.using(system.database_of(name))
    return records.filter(application_name=name).first()


def has_worker(system: ConfiguredSystem, *names: str) -> bool:
    """Tell whether a live worker holds one of these parts of a follower, or may take it."""
    alias = system.database_of(names[0])
    held = FollowerRecord.objects.using(alias).filter(
        application_name__in=names, lease_owner__isnull=False, lease_expires_at__gt=DatabaseNow()
    )
    if held.exists():
        return True
    live = WorkerRecord.objects.using(alias).filter(
        system_alias=system.alias,
        heartbeat_at__gt=DatabaseNow() - timedelta(seconds=STALE_AFTER),
    )
    run = live.order_by().values_list("followers", flat=True)
    return any(not set(names).isdisjoint(each) for each in run)


def is_run_by_workers(system: ConfiguredSystem, name: str) -> bool:
    """Tell whether it is a matter of workers: it is neither in memory nor synchronous."""
    if not system.is_persisted(name):
        return False
    synchronous = Segment.synchronous(system.application_of(name)).name
    rows = system.models_of(name).tracking.objects.using(system.database_of(name))
    found = rows.of(synchronous).in_force().order_by().values_list("upstream_name", flat=True)
    upstreams = system.upstreams_of(name)
    return not upstreams or not set(upstreams) <= set(found)
