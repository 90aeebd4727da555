"""Views that record events, or none, and the URLs of these."""

from asgiref.sync import sync_to_async
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path

from django_eventsourcing import current_metadata, get_application
from django_eventsourcing.middleware import EventMetadataMiddleware
from tests.core.school import DogSchool


class ShopMiddleware(EventMetadataMiddleware):
    """Takes the id from a header of its own, records names, and the path as well."""

    headers = ("X-Trace",)

    def user_of(self, request):
        return request.user.get_username() or None

    def keys_of(self, request):
        return {"path": request.path}


def register(request):
    get_application(DogSchool).register_dog("Fido")
    return HttpResponse()


async def aregister(request):
    await sync_to_async(get_application(DogSchool).register_dog)("Fido")
    return HttpResponse()


def nothing(request):
    return HttpResponse()


async def anothing(request):
    return HttpResponse()


def fail(request):
    get_application(DogSchool).register_dog("Fido")
    raise RuntimeError("no")


def changing(request):
    """Record an event before somebody logs in, as that one, and after a logout."""
    register(request)
    login(request, User.objects.get())
    register(request)
    logout(request)
    register(request)
    return HttpResponse()


def labelled(request):
    response = HttpResponse(str(current_metadata()["correlation_id"]))
    response["X-Correlation-ID"] = "own"
    return response


urlpatterns = [
    path("register/", register),
    path("aregister/", aregister),
    path("nothing/", nothing),
    path("anothing/", anothing),
    path("fail/", fail),
    path("changing/", changing),
    path("labelled/", labelled),
]
