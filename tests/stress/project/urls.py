"""The pages of the bank, which are asked for by the load."""

import sys
import time
from typing import Any

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, JsonResponse
from django.urls import path

from django_eventsourcing import get_application, retry_on_conflict
from eventsourcing.persistence import IntegrityError
from tests.stress.project.applications import Bank
from tests.stress.project.models import Balance


def enter(request: HttpRequest) -> JsonResponse:
    """Record entries as the query says; the transaction is the request's."""
    query = request.GET
    number, business = query["account"], query.get("business", "")
    # Few rows, so that requests meet there.
    row = str(int(number) % 20)
    if business == "before":
        _note_balance(row)
    try:
        recordings = get_application(Bank).enter(number, int(query["count"]))
    except IntegrityError:
        transaction.set_rollback(True)
        return JsonResponse({"error": "conflict"}, status=409)
    if business == "after":
        _note_balance(row)
    time.sleep(float(query.get("hold", 0)))  # The rest of the request's work.
    if query.get("roll_back"):
        transaction.set_rollback(True)
        return JsonResponse({"error": "rolled back"}, status=400)
    return JsonResponse({"recorded": [_recorded(recording) for recording in recordings]})


@transaction.non_atomic_requests
def command(request: HttpRequest) -> JsonResponse:
    """Record entries, again after a conflict, as the helper has it; each try is a transaction."""
    tries = 0

    @retry_on_conflict
    def enter() -> list[Any]:
        nonlocal tries
        tries += 1
        return get_application(Bank).enter(request.GET["account"], int(request.GET["count"]))

    recordings = enter()
    return JsonResponse({"recorded": [_recorded(each) for each in recordings], "tries": tries})


def failed(request: HttpRequest) -> JsonResponse:
    """Name the error that nobody has handled."""
    error = sys.exc_info()[1]
    return JsonResponse({"error": type(error).__name__, "text": str(error)}, status=500)


urlpatterns = [path("enter", enter), path("command", command)]
handler500 = "tests.stress.project.urls.failed"


def _note_balance(number: str) -> None:
    if not Balance.objects.filter(account=number).update(entries=F("entries") + 1):
        Balance.objects.bulk_create([Balance(account=number)], ignore_conflicts=True)


def _recorded(recording: Any) -> list[Any]:
    event = recording.domain_event
    return [recording.notification.id, event.originator_id.hex, event.originator_version]
