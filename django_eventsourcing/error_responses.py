"""Error responses: what an application refuses, told to whoever has asked as 404 or 409."""

import logging

from django.conf import settings
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template import Context, Engine, TemplateDoesNotExist, loader
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from django_eventsourcing.problems import one_line
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import AlreadyProcessedError, IntegrityError

__all__ = ["EventSourcingErrorsMiddleware", "is_conflict", "roll_back_request"]

logger = logging.getLogger(__name__)

NOT_FOUND = "Not found."
CONFLICT = (
    "Somebody else has changed this meanwhile, so your change has not been made. Read it again, "
    "and repeat the change if it is still wanted."
)

_PAGE = """<!doctype html>
<html lang="en">
<head><title>Conflict</title></head>
<body>
<h1>Conflict</h1>
<p>{{ text }}</p>
</body>
</html>
"""


class EventSourcingErrorsMiddleware(MiddlewareMixin):
    """
    Answers 404 where a view asks for an aggregate that is not there, and 409 after a conflict.

    What the view has written under ``ATOMIC_REQUESTS`` has been rolled back by then. Clients that
    prefer JSON get it. A page is Django's for 404, and the template ``409.html`` where there is
    one. Other errors are left alone.
    """

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Return the answer, if the error is one of an application's."""
        if isinstance(exception, AggregateNotFoundError):
            return _not_found(request, exception)
        if is_conflict(exception):
            logger.info("Answered with 409: %s", one_line(exception))
            return _conflict(request, exception)
        return None


def is_conflict(exception: BaseException) -> bool:
    """Tell whether somebody else has recorded the same version of an aggregate first."""
    # A position that has been moved meanwhile is a follower's concern, and no client's.
    return isinstance(exception, IntegrityError) and not isinstance(
        exception, AlreadyProcessedError
    )


def roll_back_request() -> None:
    """
    Have what the view has written under ``ATOMIC_REQUESTS`` rolled back.

    For whatever turns an error into an answer before Django sees the error, and would commit.
    """
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block:
            connection.set_rollback(True)


def _not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _prefers_json(request):
        # Django knows the project's own page, and the one for DEBUG.
        raise Http404(str(exception)) from exception
    return _json(NOT_FOUND, exception, status=404)


def _conflict(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if _prefers_json(request):
        return _json(CONFLICT, exception, status=409)
    return _varied(HttpResponse(_page(request, exception), status=409))


def _page(request: HttpRequest, exception: Exception) -> str:
    try:
        template = loader.get_template("409.html")
    except TemplateDoesNotExist:
        text = _told(CONFLICT, exception)
        return Engine().from_string(_PAGE).render(Context({"text": text}))
    return template.render({"exception": str(exception)}, request)


def _prefers_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _json(text: str, exception: Exception, *, status: int) -> HttpResponseBase:
    return _varied(JsonResponse({"error": _told(text, exception)}, status=status))


def _told(text: str, exception: Exception) -> str:
    # What the error says of the application is for its developers.
    return f"{text} ({one_line(exception)})" if settings.DEBUG else text


def _varied(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["Accept"])
    return response
