"""What is kept between requests: which notifications a visitor's requests have caused of late."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_eventsourcing.problems import described
from django_eventsourcing.remembering import Writes

__all__ = ["COOKIE_NAME", "MOST_APPLICATIONS", "SESSION_KEY", "KeptWrites", "give_to", "kept_by"]

logger = logging.getLogger(__name__)

SESSION_KEY = "_django_eventsourcing_writes"
COOKIE_NAME = "django_eventsourcing_writes"
MOST_APPLICATIONS = 16
"""Of how many applications the last notification is kept; of others, that is forgotten."""
LONGEST_COOKIE = 3_000
"""Characters; browsers refuse a cookie of more than 4,096 bytes, name and attributes included."""

Entries = dict[str, tuple[int, int]]
"""The id of a notification, and when it was caused, in seconds, by the application's name."""


class KeptWrites:
    """
    The last notifications that a visitor's requests have caused, before this one and in it.

    They are kept in the session where there is one, elsewhere in a signed cookie, each for
    ``max_age`` seconds. What cannot be read, or was not written here, is as if it were not there.
    """

    def __init__(
        self, request: HttpRequest, writes: Writes, *, max_age: int, uses_session: bool = True
    ) -> None:
        self.writes = writes
        """What this request has caused so far."""
        self.answers: dict[object, bool] = {}
        """What those have found who have waited in this request."""
        self._request = request
        self._max_age = max_age
        self._uses_session = uses_session

    def read(self) -> dict[str, int]:
        """Return the ids by the names of the applications; where they are kept is asked."""
        ids = {name: id_ for name, (id_, _) in self._entries().items()}
        return {**ids, **{name: max(id_, ids.get(name, 0)) for name, id_ in self.writes.items()}}

    def keep(self, response: HttpResponseBase) -> None:
        """Keep what this request has caused; a failure is logged, as that stays as it is."""
        now = int(time.time())
        caused = {name: (id_, now) for name, id_ in self.writes.items()}
        if not caused:
            return
        try:
            entries = _newest(_merged(self._entries(), caused))
            if (session := self._session) is not None:
                session[SESSION_KEY] = entries
            else:
                self._set_cookie(response, entries)
        except Exception as error:  # noqa: BLE001 - whatever a store of sessions raises
            logger.warning("What a request has caused cannot be kept: %s", described(error))

    @property
    def _session(self) -> Any:
        """The session, unless there is none, or none that is stored or is going to be."""
        session = getattr(self._request, "session", None)
        if not self._uses_session or session is None or session.is_empty():
            return None
        return session

    def _entries(self) -> Entries:
        since = int(time.time()) - self._max_age
        session = self._session
        in_session = _parsed(session.get(SESSION_KEY), since) if session is not None else {}
        return _merged(_parsed(self._cookie(), since), in_session)

    def _cookie(self) -> object:
        try:
            value = self._request.COOKIES[COOKIE_NAME]
            return signing.loads(value, salt=COOKIE_NAME, max_age=self._max_age)
        except Exception:  # noqa: BLE001 - whatever is made of a text that anybody can send
            return None

    def _set_cookie(self, response: Any, entries: Entries) -> None:
        value = signing.dumps(entries, salt=COOKIE_NAME, compress=True)
        while len(value) > LONGEST_COOKIE:
            entries = dict(list(entries.items())[:-1])
            value = signing.dumps(entries, salt=COOKIE_NAME, compress=True)
        response.set_cookie(
            COOKIE_NAME,
            value,
            max_age=self._max_age,
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )


def kept_by(request: object) -> KeptWrites | None:
    """Return what the middleware has given to the request; ``None`` if it has not."""
    found: KeptWrites | None = getattr(request, _ATTRIBUTE, None)
    return found


def give_to(request: HttpRequest, kept: KeptWrites) -> None:
    """Let views find what is kept."""
    setattr(request, _ATTRIBUTE, kept)
    setattr(request, _FLAG, False)


_NEVER = (0, 0)
_FLAG = "read_model_is_stale"
_ATTRIBUTE = "_django_eventsourcing_writes"


def _parsed(value: object, since: int) -> Entries:
    if not isinstance(value, dict):
        return {}
    return {
        name: (entry[0], entry[1])
        for name, entry in value.items()
        if isinstance(name, str) and _is_entry(entry) and entry[1] >= since
    }


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, list | tuple)
        and len(entry) == 2
        and all(type(each) is int and 0 <= each < 2**63 for each in entry)
    )


def _merged(first: Mapping[str, tuple[int, int]], second: Mapping[str, tuple[int, int]]) -> Entries:
    """Return the entries of both; of two of one application, that of the later notification."""
    return {
        name: max(first.get(name, _NEVER), second.get(name, _NEVER)) for name in {**first, **second}
    }


def _newest(entries: Entries) -> Entries:
    """Return the entries that may be kept, the newest first."""
    ordered = sorted(entries.items(), key=lambda item: item[1][1], reverse=True)
    return dict(ordered[:MOST_APPLICATIONS])
