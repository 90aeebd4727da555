"""Async views of the dog school, and its URLs."""

import asyncio
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from django_eventsourcing import aio, get_application, retry_on_conflict
from tests.core.school import DogSchool

__all__ = ["urlpatterns"]


async def register(request: HttpRequest) -> HttpResponse:
    """Register a dog."""
    dog_id = await get_application(DogSchool).aio.register_dog(request.GET["name"])
    return JsonResponse({"id": dog_id})


async def teach(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Add tricks, all at once, whoever else does so."""
    add_trick = aio(retry_on_conflict(get_application(DogSchool).add_trick))
    await asyncio.gather(*(add_trick(dog_id, trick) for trick in request.GET.getlist("trick")))
    return JsonResponse(await get_application(DogSchool).aio.get_dog(dog_id))


async def teach_and_fail(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Add a trick in a transaction that is rolled back."""

    @aio
    def both() -> None:
        with transaction.atomic(using=request.GET["using"]):
            get_application(DogSchool).add_trick(dog_id, "sit")
            raise RuntimeError("after save()")

    await both()
    raise AssertionError("not reached")


async def show(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Show a dog."""
    return JsonResponse(await get_application(DogSchool).aio.get_dog(dog_id))


urlpatterns = [
    path("dogs/", register),
    path("dogs/<uuid:dog_id>/", show),
    path("dogs/<uuid:dog_id>/teach/", teach),
    path("dogs/<uuid:dog_id>/fail/", teach_and_fail),
]
