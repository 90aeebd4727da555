"""Pages that write, and pages that show what was written."""

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View

from django_eventsourcing import (
    await_for,
    get_application,
    reads_own_writes,
    remember_writes,
    wait_for,
)
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board, DogSchool

PATIENT = 60.0
"""Seconds, on a machine that may be busy."""


def teach(trick):
    school = get_application(DogSchool)
    school.add_trick(school.register_dog("Fido"), trick)


def count_of(trick):
    counts = TrickCount.objects.using(get_application(Board).database).filter(trick=trick)
    return counts.values_list("count", flat=True).first() or 0


def shown(request, trick):
    return JsonResponse({"count": count_of(trick), "stale": request.read_model_is_stale})


def write(request, trick):
    teach(trick)
    return HttpResponse("taught")


def take_back(request, trick):
    alias = get_application(DogSchool).recorder.alias
    with transaction.atomic(using=alias):
        teach(trick)
        transaction.set_rollback(True, using=alias)
    return HttpResponse("not taught")


def log_in(request, trick):
    request.session["user"] = trick
    return HttpResponse("logged in")


@reads_own_writes(Board, timeout=PATIENT)
def read(request, trick):
    return shown(request, trick)


@reads_own_writes("Board", timeout=0.2)
def read_soon(request, trick):
    return shown(request, trick)


@reads_own_writes("Tally", timeout=0.2)
def read_tally(request, trick):
    return JsonResponse({"stale": request.read_model_is_stale})


def write_and_read(request, trick):
    with remember_writes() as writes:
        teach(trick)
    done = wait_for(Board, writes, PATIENT)
    return JsonResponse({"count": count_of(trick), "done": done})


async def awrite(request, trick):
    await sync_to_async(teach)(trick)
    return HttpResponse("taught")


async def awrite_and_read(request, trick):
    with remember_writes() as writes:
        await sync_to_async(teach)(trick)
    done = await await_for(Board, writes, PATIENT)
    return JsonResponse({"count": await sync_to_async(count_of)(trick), "done": done})


@reads_own_writes(Board, timeout=PATIENT)
async def aread(request, trick):
    return await sync_to_async(shown)(request, trick)


@reads_own_writes(Board, timeout=0.2)
async def aread_soon(request, trick):
    return await sync_to_async(shown)(request, trick)


@method_decorator(reads_own_writes(Board, timeout=0.2), name="dispatch")
class Page(View):
    """A page made by a method."""

    def get(self, request, trick):
        return shown(request, trick)


@method_decorator(reads_own_writes(Board, timeout=0.2), name="dispatch")
class AsyncPage(View):
    """A page made by an asynchronous method."""

    async def get(self, request, trick):
        return await sync_to_async(shown)(request, trick)


class OddPage(View):
    """A page whose method is decorated as functions are."""

    @reads_own_writes(Board)
    def get(self, request, trick):
        return shown(request, trick)


def plain(view):
    """Hide a view's decorators, as those do that do not wrap it well."""
    return lambda request, trick: view(request, trick)
