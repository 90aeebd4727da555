"""The decorator of views that are to show what the visitor has done just before."""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Iterable
from inspect import isawaitable
from time import monotonic
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from django_eventsourcing.problems import described
from django_eventsourcing.reading_own_writes.kept import KeptWrites, kept_by
from django_eventsourcing.reading_own_writes.pipes import Pipe, pipes_of, require_follower
from django_eventsourcing.reading_own_writes.standing import is_at_rest
from django_eventsourcing.reading_own_writes.waiting import Waiting, checked_timeout
from eventsourcing.application import Application

__all__ = ["HEADER", "OwnWrites", "own_writes_of", "reads_own_writes"]

logger = logging.getLogger(__name__)

HEADER = "X-Read-Model"
"""The header of a response to which ``stale`` is added if its page may lack what was written."""

TView = TypeVar("TView", bound=Callable[..., Any])


def reads_own_writes(
    *followers: type[Application] | str, timeout: float = 1.0
) -> Callable[[TView], TView]:
    """
    Let a view begin when the followers have processed what the visitor has caused, or soon after.

    It is waited for ``timeout`` seconds at most, and not at all once a follower is known to be
    paused, or stopped. ``request.read_model_is_stale`` tells the view, and its template, whether
    something is missing; if so, the response has the header ``X-Read-Model: stale``, and is not
    cached. It is no error, nor is one raised if the position cannot be read.

    The view is a function, asynchronous or not; a class is decorated by
    ``method_decorator(reads_own_writes(…), name="dispatch")``. What a visitor has caused is known
    from ``ReadYourWritesMiddleware``, which has to be in ``MIDDLEWARE``.
    """
    if not followers or not all(isinstance(each, type | str) for each in followers):
        raise TypeError(
            "reads_own_writes() is given the followers that write what the view reads, as in "
            "@reads_own_writes(TrickTally, timeout=1.0)."
        )
    own_writes = OwnWrites(followers, timeout)

    def decorate(view: TView) -> TView:
        if isinstance(view, type):
            raise TypeError(
                f"reads_own_writes() decorates functions, and {view.__qualname__} is a class. "
                "Decorate it by method_decorator(reads_own_writes(…), name='dispatch')."
            )
        adapt = _coroutine if iscoroutinefunction(view) else _function
        decorated: Any = adapt(view, own_writes)
        # Found by the middleware, which waits before a transaction begins (ATOMIC_REQUESTS).
        decorated.own_writes = own_writes
        result: TView = decorated
        return result

    return decorate


def own_writes_of(view: object) -> "OwnWrites | None":
    """Return what the view is decorated with."""
    found = getattr(view, "own_writes", None)
    return found if isinstance(found, OwnWrites) else None


class OwnWrites:
    """What a visitor has caused, as far as it reaches the followers of a view."""

    def __init__(self, followers: Iterable[type[Application] | str], timeout: float) -> None:
        self.followers = list(followers)
        self.timeout = checked_timeout(timeout)

    def wait(self, request: Any) -> None:
        """Wait in this thread, unless that has been done, and tell the request what was found."""
        kept = _required(request)
        if self not in kept.answers:
            waiting = self._waiting(kept)
            waiting.run()
            kept.answers[self] = waiting.is_done
        self._tell(request, kept)

    async def await_(self, request: Any) -> None:
        """Wait in an event loop."""
        kept = _required(request)
        if self not in kept.answers:
            waiting = await sync_to_async(self._waiting)(kept)
            await waiting.arun()
            kept.answers[self] = waiting.is_done
        self._tell(request, kept)

    def mark(self, request: Any, response: Any) -> Any:
        """Return the response, with what is to be said of its page."""
        if not isinstance(response, HttpResponseBase):
            # The view is one of a library that makes the response of what is returned.
            return response
        patch_vary_headers(response, ["Cookie"])
        if request.read_model_is_stale:
            response.headers[HEADER] = "stale"
            add_never_cache_headers(response)
        return response

    def _waiting(self, kept: KeptWrites) -> "_PageWaiting":
        followers = [require_follower(each) for each in self.followers]
        try:
            writes = kept.read()
        except Exception as error:  # noqa: BLE001 - whatever a store of sessions raises
            logger.warning("What a visitor has caused cannot be read: %s", described(error))
            writes = {}
        pipes = [pipe for system, name in followers for pipe in pipes_of(system, name, writes)]
        return _PageWaiting(pipes, self.timeout)

    def _tell(self, request: Any, kept: KeptWrites) -> None:
        # Decorators may be stacked.
        request.read_model_is_stale = not all(kept.answers.values())


class _PageWaiting(Waiting):
    """A wait that raises nothing, and ends when nobody works at what is waited for."""

    patience = 0.05
    """Seconds after which it is asked whether anybody does."""

    def look(self) -> float | None:
        try:
            return super().look()
        except Exception as error:  # noqa: BLE001 - whatever a driver, or what wraps it, raises
            pipe = self._left[0]
            logger.warning(
                "A page is shown without waiting for %s: %s", pipe.follower, described(error)
            )
            pipe.renew()
            return None

    def _is_hopeless(self, pipe: Pipe) -> bool:
        if super()._is_hopeless(pipe):
            return True
        if monotonic() - self._started < self.patience:
            return False
        # It is asked once.
        self.patience = float("inf")
        return is_at_rest(pipe.system, pipe.follower)


def _function(view: Callable[..., Any], own_writes: OwnWrites) -> Callable[..., Any]:
    @functools.wraps(view)
    def page(request: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_in_event_loop():
            return _awaited(view, own_writes, request, args, kwargs)
        own_writes.wait(request)
        response = view(request, *args, **kwargs)
        # The ``dispatch()`` of a class is a function, also where its methods are asynchronous.
        if isawaitable(response):
            return _marked(own_writes, request, response)
        return own_writes.mark(request, response)

    return page


def _coroutine(view: Callable[..., Any], own_writes: OwnWrites) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(view)
    async def page(request: Any, *args: Any, **kwargs: Any) -> Any:
        return await _awaited(view, own_writes, request, args, kwargs)

    return page


async def _awaited(
    view: Callable[..., Any], own_writes: OwnWrites, request: Any, args: Any, kwargs: Any
) -> Any:
    await own_writes.await_(request)
    response = view(request, *args, **kwargs)
    if isawaitable(response):
        return await _marked(own_writes, request, response)
    return own_writes.mark(request, response)


async def _marked(own_writes: OwnWrites, request: Any, response: Awaitable[Any]) -> Any:
    return own_writes.mark(request, await response)


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _required(request: Any) -> KeptWrites:
    if not hasattr(request, "META"):
        raise TypeError(
            "reads_own_writes() did not receive an HttpRequest. On a class-based view, decorate by "
            "method_decorator(reads_own_writes(…), name='dispatch')."
        )
    kept = kept_by(request)
    if kept is None:
        raise ImproperlyConfigured(
            "reads_own_writes() needs what the middleware remembers.  HINT: Add "
            "'django_eventsourcing.reading_own_writes.ReadYourWritesMiddleware' to MIDDLEWARE, "
            "after the one of sessions."
        )
    return kept
