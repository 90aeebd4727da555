"""Letters: dead letters as pages show them, found without counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from django_eventsourcing.admin.event_links import event_url, viewable_admin
from django_eventsourcing.admin.names import class_name, split_at_dots
from django_eventsourcing.admin.permissions import may_see_payloads
from django_eventsourcing.admin.places import Place, Places, find_places
from django_eventsourcing.models import DeadLetterRecord
from django_eventsourcing.payloads import visible

__all__ = [
    "LetterLook",
    "Letters",
    "counted_letters",
    "letters_url",
    "look_at_letter",
    "look_at_letters",
    "place_of",
]

COUNT_LIMIT = 1_000
"""Letters are counted up to here; beyond, it is enough to know that there are more."""


@dataclass(frozen=True, kw_only=True)
class LetterLook:
    """A dead letter as pages show it."""

    letter: DeadLetterRecord
    url: str
    """Its own page; empty if dead letters may not be viewed."""
    event_url: str
    """The page of its event; empty if that may not be viewed."""
    traceback: str = ""
    """Empty, too, where it may not be seen."""
    is_masked: bool = False
    """Whether there is a traceback that may not be seen."""

    @property
    def class_name(self) -> Sequence[str]:
        """The parts of the name of the event's class, between which a line may break."""
        return split_at_dots(class_name(self.letter.topic))

    @property
    def error(self) -> str:
        """Why it was set aside; empty if it waits behind another."""
        return visible(self.letter.error)

    @property
    def status(self) -> str:
        """What has become of it, in a word of the reader's language."""
        return str(self.letter.get_status_display())

    @property
    def is_parked(self) -> bool:
        """Whether it waits for something to be done."""
        return bool(self.letter.status == DeadLetterRecord.Status.PARKED)


@dataclass(frozen=True, kw_only=True)
class Letters:
    """The first few of some dead letters."""

    looks: Sequence[LetterLook]
    is_more: bool = False


def look_at_letters(
    site: AdminSite, request: HttpRequest, letters: QuerySet[DeadLetterRecord], *, limit: int
) -> Letters:
    """Return the first of the letters, which are in their order, for a page of the user's."""
    found = list(letters[: limit + 1])
    places = find_places()
    looks = [look_at_letter(site, request, letter, places) for letter in found[:limit]]
    return Letters(looks=looks, is_more=len(found) > limit)


def look_at_letter(
    site: AdminSite, request: HttpRequest, letter: DeadLetterRecord, places: Places
) -> LetterLook:
    """Return the letter as the user may see it."""
    alias = letter._state.db or places.databases[0]
    follower = place_of(letter, places)
    upstream = follower and places.find(letter.upstream_name, system=follower.system.alias)
    traceback = "" if "traceback" in letter.get_deferred_fields() else visible(letter.traceback)
    may_see = may_see_payloads(request)
    database = {} if alias == places.databases[0] else {"database": alias}
    return LetterLook(
        letter=letter,
        url=_url(site, request, "change", database, letter.pk),
        event_url=event_url(site, request, upstream, letter.notification_id),
        traceback=traceback if may_see else "",
        is_masked=bool(traceback) and not may_see,
    )


def place_of(letter: DeadLetterRecord, places: Places) -> Place | None:
    """Return the follower, or segment, that has set it aside, if it is configured as it was."""
    alias = letter._state.db or ""
    for system in places.systems:
        if letter.application_name in system.runs:
            place = Place(system=system, name=letter.application_name)
            if place.is_persisted and place.database == alias:
                return place
    return None


def letters_url(site: AdminSite, request: HttpRequest, follower: str) -> str:
    """Return the URL of the list of what the follower has parked; empty if it may not be viewed."""
    query = {"follower": follower, "status": DeadLetterRecord.Status.PARKED.value}
    return _url(site, request, "changelist", query)


def counted_letters(letters: QuerySet[DeadLetterRecord]) -> tuple[int, bool]:
    """Return how many letters there are, counted up to a limit; and whether there are more."""
    number = len(letters.order_by().values_list("pk", flat=True)[: COUNT_LIMIT + 1])
    return min(number, COUNT_LIMIT), number > COUNT_LIMIT


def _url(
    site: AdminSite, request: HttpRequest, page: str, query: dict[str, str], *args: object
) -> str:
    if viewable_admin(site, request, DeadLetterRecord) is None:
        return ""
    opts = DeadLetterRecord._meta
    url = reverse(f"{site.name}:{opts.app_label}_{opts.model_name}_{page}", args=args)
    return f"{url}?{urlencode(query)}" if query else url
