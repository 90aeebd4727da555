"""Access: who may see how a system is doing, by a token or by a permission."""

from collections.abc import Callable
from functools import wraps

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from django_eventsourcing.conf import get_token

__all__ = ["PERMISSION", "for_operators"]

PERMISSION = "django_eventsourcing.view_followerrecord"

View = Callable[[HttpRequest], HttpResponse]


def for_operators(view: View) -> View:
    """
    Let those see the view who send the token of the settings, or who may view followers.

    Others get 401, or 403 if they are logged in, and are told nothing. No answer is cached.
    """

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        return _refusal(request) or view(request)

    return require_safe(never_cache(guarded))


def _refusal(request: HttpRequest) -> HttpResponse | None:
    if _has_token(request):
        return None
    try:
        return _refusal_of_user(request)
    except DatabaseError:
        return JsonResponse({"error": "Who asks cannot be looked up."}, status=503)


def _has_token(request: HttpRequest) -> bool:
    token = get_token()
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return (
        token is not None
        and scheme.lower() == "bearer"
        and constant_time_compare(given.strip(), token)
    )


def _refusal_of_user(request: HttpRequest) -> HttpResponse | None:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        response = JsonResponse({"error": "A token or a login is needed."}, status=401)
        response["WWW-Authenticate"] = 'Bearer realm="eventsourcing"'
        return response
    if not (user.is_active and user.is_staff and user.has_perm(PERMISSION)):
        return JsonResponse({"error": "A permission is needed."}, status=403)
    return None
