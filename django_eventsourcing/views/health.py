"""Health: whether all is well, as JSON with words, and as a status code for monitors."""

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from django_eventsourcing.management.envelope import envelope
from django_eventsourcing.problems import one_line
from django_eventsourcing.registry import systems
from django_eventsourcing.status import Finding, Severity, system_status, worst
from django_eventsourcing.status import health as findings_of
from django_eventsourcing.views.access import for_operators

__all__ = ["health", "live"]

_FAILING = {
    "critical": {Severity.CRITICAL},
    "warning": {Severity.WARNING, Severity.CRITICAL},
}


@require_safe
@never_cache
def live(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers; no database is asked, and nobody need be known."""
    return JsonResponse({"status": "alive"})


@for_operators
def health(request: HttpRequest) -> HttpResponse:
    """
    Return how each follower of all systems is doing; 503 if something is critical, else 200.

    ``?max_lag=``, ``?max_age=`` are limits, as of ``es_health``; ``?fail=warning`` makes warnings
    503, too.
    """
    try:
        max_lag = _number(request, "max_lag")
        max_age = _number(request, "max_age")
        failing = _FAILING[request.GET.get("fail", "critical")]
    except (KeyError, ValueError):
        text = "max_lag and max_age are numbers from 0; fail is 'critical' or 'warning'."
        return JsonResponse({"error": text}, status=400)
    try:
        findings = _findings(max_lag, max_age)
    except ImproperlyConfigured as error:
        return _answer(Severity.CRITICAL, [], error=one_line(error), status=503)
    severity = worst(findings)
    return _answer(severity, findings, status=503 if severity in failing else 200)


def _findings(max_lag: int | None, max_age: int | None) -> list[Finding]:
    return [
        finding
        for alias in systems
        for finding in findings_of(system_status(alias), max_lag=max_lag, max_age=max_age)
    ]


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name)
    if text is None:
        return None
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _answer(
    severity: Severity, findings: list[Finding], *, status: int, error: str = ""
) -> HttpResponse:
    data = {"severity": severity, "error": error, "findings": findings}
    text = envelope("health", data)
    return HttpResponse(text, status=status, content_type="application/json")
