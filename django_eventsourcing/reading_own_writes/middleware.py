"""The middleware that remembers, from one request to the next, what a visitor has caused."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_eventsourcing.reading_own_writes.decorator import own_writes_of
from django_eventsourcing.reading_own_writes.kept import KeptWrites, give_to
from django_eventsourcing.remembering import Writes, remember_writes

__all__ = ["ReadYourWritesMiddleware"]

Response = HttpResponseBase | Awaitable[HttpResponseBase]


class ReadYourWritesMiddleware:
    """
    Remembers the last notification of each application that a visitor's requests have caused.

    Views that are decorated with ``reads_own_writes()`` wait for them; that happens here, before
    ``ATOMIC_REQUESTS`` begins a transaction. It comes after the middleware of sessions; before it,
    sessions are not used. What a streaming response records while it is sent is not remembered.
    """

    sync_capable: ClassVar[bool] = True
    async_capable: ClassVar[bool] = True
    max_age: ClassVar[int] = 60
    """Seconds for which a notification is remembered; a follower may be later than that."""
    uses_session: ClassVar[bool] = True
    """
    Whether a visitor's session is used, where there is one; otherwise, it is a cookie always.

    Requests that record events then write the session, which they might not do by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Response]) -> None:
        self._get_response: Callable[[HttpRequest], Any] = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        # Django asks of this function itself whether it is asynchronous.
        self.process_view = self._await_before_view if self._is_async else self._wait_before_view

    def __call__(self, request: HttpRequest) -> Response:
        if self._is_async:
            return self._acall(request)
        with remember_writes() as writes:
            kept = self._begin(request, writes)
            response: HttpResponseBase = self._get_response(request)
        kept.keep(response)
        return response

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with remember_writes() as writes:
            kept = self._begin(request, writes)
            response: HttpResponseBase = await self._get_response(request)
        if writes:
            await sync_to_async(kept.keep)(response)
        return response

    def _begin(self, request: HttpRequest, writes: Writes) -> KeptWrites:
        # A session that comes later is written before this could write to it.
        uses_session = self.uses_session and hasattr(request, "session")
        kept = KeptWrites(request, writes, max_age=self.max_age, uses_session=uses_session)
        give_to(request, kept)
        return kept

    def _wait_before_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        own_writes = own_writes_of(view)
        if own_writes is not None:
            own_writes.wait(request)

    async def _await_before_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> None:
        own_writes = own_writes_of(view)
        if own_writes is not None:
            await own_writes.await_(request)
