"""Screens: every page of the admin, of a system in which there is something to see on each."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from django_eventsourcing import get_system
from django_eventsourcing.dead_letters import Parking
from django_eventsourcing.metadata import event_metadata
from django_eventsourcing.models import (
    DeadLetterRecord,
    MonitoredSystem,
    RebuildRequest,
    SnapshotRecord,
    StoredEventRecord,
    WorkerRecord,
)
from django_eventsourcing.rebuilding import Requests
from django_eventsourcing.runners.pipe import Pipe
from eventsourcing.system import System
from tests.core.school import DogSchool
from tests.core.styles import text_ids
from tests.django.admin.clerking import LETTERS
from tests.django.admin.pages import (
    CATALOGUE,
    CONFIGURATION,
    EVENTS,
    LOGS,
    POSITIONS,
    SNAPSHOTS,
    SYSTEMS,
    TRACE,
)
from tests.django.admin.records import make_events
from tests.django.dead_letters.clerks import PARKS, Clerk, work
from tests.django.own_models.models import LetterEvent
from tests.django.projections.boards import Board
from tests.django.status.rows import ids_of, parked, processed, told, worker_in

__all__ = ["HOSTILE", "PAYLOAD", "Screens", "make_screens", "setting"]

HOSTILE = (
    """"><img src=x onerror=alert(1)><script>document.title='taken over'</script>{{7919*7907}}"""
)

PAYLOAD = ", said by an event"
"""What events alone say, and nothing else does."""


def _system(addition: str) -> System:
    """Return a school with three followers, and one in tables of its own; their names end so."""

    class School(DogSchool):
        name = f"School{addition}"
        is_snapshotting_enabled = True

    class Office(Clerk):
        name = f"Office{addition}"

    class Idle(Clerk):
        name = f"Idle{addition}"

    class Tricks(Board):
        name = f"Tricks{addition}"

    class Letters(text_ids.DogSchool):
        name = f"Letters{addition}"

    return System(pipes=[[School, Office], [School, Idle], [School, Tricks], [Letters]])


plain_system = _system("")
hostile_system = _system(HOSTILE)


@dataclass(frozen=True, kw_only=True)
class Screens:
    """Where the screens are, by a name for each; and the forms that lead to further ones."""

    pages: dict[str, str]
    forms: dict[str, tuple[str, dict[str, Any]]]


def setting(*, is_hostile: bool = False) -> dict[str, Any]:
    """Return the settings of one of the systems; there is another system, in which is nothing."""
    addition = HOSTILE if is_hostile else ""
    own = {"EVENT": "own_models.LetterEvent", "SNAPSHOT": "own_models.LetterSnapshot"}
    return {
        "default": {
            "SYSTEM": f"{__name__}.{'hostile' if is_hostile else 'plain'}_system",
            "OPTIONS": {"ON_ERROR": {"retries": 0, "then": "park"}},
            "APPLICATIONS": {f"Letters{addition}": {"MODELS": own}},
        },
        "empty": {"SYSTEM": "tests.django.admin.kennel.walking_system"},
    }


def make_screens(words: str, *, is_hostile: bool = False) -> Screens:
    """Fill the tables, with the words wherever there may be words; say where the pages are."""
    addition = HOSTILE if is_hostile else ""
    school, office, idle, tricks, letters = (
        f"{name}{addition}" for name in ("School", "Office", "Idle", "Tricks", "Letters")
    )
    system = get_system()
    leader, postbox = system.get(school), system.get(letters)
    with event_metadata({"correlation_id": words[:200], "user": words[:200], **_nested(words)}):
        dog_id = leader.register_dog(f"{words}{PAYLOAD}")
        for trick in (words[:80], f"bad {words[:80]}", "sit"):
            leader.add_trick(dog_id, trick)
        letter_id = postbox.register_dog(words[:150])
        postbox.add_trick(letter_id, f"{words}{PAYLOAD}")
        leader.take_snapshot(dog_id)
        _work(system, school, office)
        leader.add_trick(dog_id, f"bad {words[:80]}")
    first, *_, last = ids_of("default", school)
    _set_states(words, school, office, idle, last)
    _put_on_record(words, office)
    _request_rebuild(words, tricks)
    gone, unreadable = _settled(words), _unreadable(words, school)
    waiting = DeadLetterRecord.objects.filter(application_name=office).earliest("id").pk
    effect = StoredEventRecord.objects.of(office).latest("id").pk
    snapshot = SnapshotRecord.objects.get().pk
    own_event = LetterEvent.objects.latest("id").pk
    stream = _url("storedeventrecord_stream", "default", school, str(dog_id))
    reset = _url("monitoredsystem_reset", office)
    follower = _url("monitoredsystem_change", office)
    bad = words[:60]

    def section(alias: str, name: str, which: str) -> str:
        return _url("storedeventrecord_section", alias, name, which)

    return Screens(
        pages={
            "systems": SYSTEMS,
            "systems-fragment": f"{SYSTEMS}?fragment=1",
            "follower": follower,
            "follower-fragment": f"{follower}?fragment=1",
            "follower-paused": _url("monitoredsystem_change", idle),
            "follower-empty": _url("monitoredsystem_change", "Walks"),
            "follower-to-rebuild": _url("monitoredsystem_change", tricks),
            "skip": _url("monitoredsystem_skip", office),
            "reset": reset,
            "reset-plan": _url("monitoredsystem_reset", idle)
            + f"?{urlencode({'upstream': school, 'to': first})}",
            "reset-impossible": f"{reset}?{urlencode({'upstream': school, 'to': first})}",
            "reset-errors": f"{reset}?{urlencode({'upstream': bad, 'to': bad})}",
            "rebuild": _url("monitoredsystem_rebuild", tricks),
            "catalogue": CATALOGUE,
            "configuration": CONFIGURATION,
            "events": EVENTS,
            "events-filtered": f"{EVENTS}?{urlencode({'originator_id': dog_id})}",
            "events-errors": _filtered(EVENTS, bad, "application", "topic", "originator_id"),
            "event": f"{EVENTS}{first + 1}/change/",
            "event-first": f"{EVENTS}{first}/change/",
            "event-effect": f"{EVENTS}{effect}/change/",
            "event-unreadable": f"{EVENTS}{unreadable}/change/",
            "event-own": f"{EVENTS}{own_event}/change/?{urlencode({'application': letters})}",
            "stream": stream,
            "stream-version": f"{stream}?version=2",
            "stream-errors": f"{stream}?{urlencode({'at': bad, 'version': bad})}",
            "stream-own": _url("storedeventrecord_stream", "default", letters, letter_id),
            "trace": f"{TRACE}?{urlencode({'id': words[:200]})}",
            "trace-unknown": f"{TRACE}?{urlencode({'id': f'{bad}x'})}",
            "trace-empty": TRACE,
            "logs": LOGS,
            "section": section("default", school, "newest"),
            "section-own": section("default", letters, "newest"),
            "section-errors": section("default", school, bad),
            "section-empty": section("empty", "Visits", "newest"),
            "positions": POSITIONS,
            "snapshots": SNAPSHOTS,
            "snapshot": f"{SNAPSHOTS}{snapshot}/change/",
            "dead-letters": LETTERS,
            "dead-letters-filtered": f"{LETTERS}?status=parked",
            "dead-letters-errors": _filtered(LETTERS, bad, "follower", "status", "before"),
            "dead-letter": f"{LETTERS}{waiting}/change/",
            "dead-letter-gone": f"{LETTERS}{gone}/change/",
        },
        forms={
            "dry-run": (_url("monitoredsystem_dry_run", idle), {}),
            "dry-run-failed": (_url("monitoredsystem_dry_run", office), {}),
            "dry-run-parked": (
                _url("monitoredsystem_dry_run_parked", office),
                {"letter": waiting},
            ),
            "pause": (_url("monitoredsystem_pause", office), {"reason": bad}),
            "pause-refused": (_url("monitoredsystem_pause", office), {"reason": ""}),
            "reset-refused": (
                reset,
                {"upstream": school, "to": first, "reason": bad, "typed": bad},
            ),
        },
    )


def _url(name: str, *parts: str) -> str:
    return reverse(f"admin:django_eventsourcing_{name}", args=[quote(each) for each in parts])


def _filtered(page: str, words: str, *fields: str) -> str:
    return f"{page}?{urlencode(dict.fromkeys(fields, words))}"


def _nested(words: str) -> dict[str, Any]:
    some = words[:2000]
    return {words[:50]: [some, {words[:50]: [some, None, 7]}], "causation_id": words[:100]}


def _work(system: Any, upstream: str, follower: str) -> None:
    """Let the follower process what there is; it parks what it fails at."""
    processor = system.get(follower)
    parking = Parking(system, processor, upstream, PARKS)
    work(Pipe(system.get(upstream), processor, 10, lambda: False, parking))


def _set_states(words: str, school: str, office: str, idle: str, failed: int) -> None:
    """Put on record how workers and followers are doing."""
    worker_in("default", heartbeat=1000)
    WorkerRecord.objects.update(name=words[:200], host=words[:200], version=words[:60])
    told(
        "default",
        office,
        state="failed",
        error=f"ValueError: {words}",
        traceback=f'File "office.py", line 7\n    {words}',
        upstream_name=school,
        notification_id=failed,
        attempts=3,
    )
    told("default", idle, desired_state="paused", desired_reason=words)
    for minute in range(60):
        processed("default", 60 * (minute % 7), office, minutes_ago=minute)


def _put_on_record(words: str, follower: str) -> None:
    """Put into the history of the follower what somebody has done."""
    user, _made = User.objects.get_or_create(username=words[:100])
    kind = ContentType.objects.get_for_model(MonitoredSystem, for_concrete_model=False)
    LogEntry.objects.create(
        user=user,
        content_type=kind,
        object_id=follower,
        object_repr=follower[:200],
        action_flag=CHANGE,
        change_message=words,
    )


def _request_rebuild(words: str, projection: str) -> None:
    """Request a rebuild that has failed: another may be requested, or this one withdrawn."""
    requests = Requests("default")
    requests.put(projection, "shadow", reason=words, by=words)
    requests.fail(RebuildRequest.objects.get(), words)


def _settled(words: str) -> int:
    """Add a dead letter of a follower that there is no more; return its key."""
    parked("default", 7, words[:200], id=4711, error=words, traceback=words, reason=words)
    DeadLetterRecord.objects.filter(id=4711).update(
        status=DeadLetterRecord.Status.DISCARDED,
        resolved_at="2026-01-02T03:04:05Z",
        upstream_name=words[:200],
        topic=words[:500],
        originator_id=words[:200],
    )
    return 4711


def _unreadable(words: str, application: str) -> int:
    """Add an event that cannot be read; return its key."""
    number = StoredEventRecord.objects.latest("id").pk + 1
    make_events(
        1,
        number=lambda _: number,
        application_name=application,
        topic=words[:500],
        state=words.encode(errors="replace"),
        metadata=_nested(words),
    )
    return number
