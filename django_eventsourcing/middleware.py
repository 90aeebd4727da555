"""Middleware: the events that a request leads to are recorded with its id and its user."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar
from uuid import uuid4

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from django_eventsourcing.metadata import Json
from django_eventsourcing.metadata.scopes import scope

__all__ = ["EventMetadataMiddleware"]

_WELL_FORMED = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")

# What the next one returns is awaited or not, as it is async or not.
GetResponse = Callable[[HttpRequest], Any]


class EventMetadataMiddleware:
    """
    Records a correlation id and the user with the events of each request.

    The id is that of the first of the ``headers`` which the request has, if it is well-formed, or
    else a new one; the response has it as well. The user is asked for when events are saved, so
    requests that record nothing need no query for it. Works in sync and async projects, wherever
    it stands in ``MIDDLEWARE``; events of a response that is streamed later are not covered.
    """

    sync_capable = True
    async_capable = True

    headers: ClassVar[Sequence[str]] = ("X-Correlation-ID", "X-Request-ID")
    """
    The request's headers that may have the id; a new one is told in the first of them.

    An id is well-formed that has at most 128 of the characters ``A-Z a-z 0-9 . _ : / + = @ -``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return self._answer_async(request) if self.is_async else self._answer(request)

    def user_of(self, request: HttpRequest) -> str | int | None:
        """Return who is recorded as the user: the primary key of one who is logged in."""
        user = getattr(request, "user", None)
        if user is None or not user.is_authenticated or user.pk is None:
            return None
        return user.pk if type(user.pk) is int else str(user.pk)

    def keys_of(self, request: HttpRequest) -> Mapping[str, Json]:
        """Return what else is recorded with the events of the request: by default, nothing."""
        del request
        return {}

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        header, correlation_id = self._correlation(request)
        with self._scope(request, correlation_id):
            response = self.get_response(request)
        return _labelled(response, header, correlation_id)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        header, correlation_id = self._correlation(request)
        with self._scope(request, correlation_id):
            response = await self.get_response(request)
        return _labelled(response, header, correlation_id)

    def _scope(self, request: HttpRequest, correlation_id: str) -> AbstractContextManager[None]:
        return scope(
            {"correlation_id": correlation_id, **self.keys_of(request)},
            later={"user": lambda: self.user_of(request)},
        )

    def _correlation(self, request: HttpRequest) -> tuple[str, str]:
        """Return the header of the correlation id, and the id."""
        for header in self.headers:
            if _WELL_FORMED.fullmatch(given := request.headers.get(header, "")):
                return header, given
        return self.headers[0], str(uuid4())


def _labelled(response: HttpResponseBase, header: str, correlation_id: str) -> HttpResponseBase:
    response.headers.setdefault(header, correlation_id)
    return response
