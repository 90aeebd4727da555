"""Views of the dog school: thin, since the applications know what to do."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from django_eventsourcing import get_application
from eventsourcing.application import AggregateNotFoundError
from example_project.charts import bars
from example_project.training.application import Counters, DogDetails, DogSchool
from example_project.training.forms import DogForm, TrickForm
from example_project.training.leaderboard import Leaderboard
from example_project.training.models import DogRow
from example_project.waiting import count_waiting

__all__ = ["dog", "dogs", "leaderboard", "tricks"]

NEWEST = 20
BEST = 50


@require_http_methods(["GET", "HEAD", "POST"])
def dogs(request: HttpRequest) -> HttpResponse:
    """Show the dogs that came last; register one."""
    school = get_application(DogSchool)
    form = DogForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        dog_id = school.register_dog(form.cleaned_data["name"])
        messages.success(request, f"{form.cleaned_data['name']} has joined the school.")
        return redirect("training:dog", dog_id)

    context = {"form": form, "dogs": school.newest_dogs(NEWEST), "newest": NEWEST}
    return render(request, "training/dogs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def dog(request: HttpRequest, dog_id: UUID) -> HttpResponse:
    """Show a dog and its tricks; teach it one."""
    pupil = _get_dog_or_404(dog_id)
    form = TrickForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        trick = form.cleaned_data["trick"]
        get_application(DogSchool).add_trick(dog_id, trick)
        messages.success(request, f"{pupil.name} has learnt “{trick}”.")
        return redirect("training:dog", dog_id)

    return render(request, "training/dog.html", {"form": form, "dog": pupil})


@require_safe
def tricks(request: HttpRequest) -> HttpResponse:
    """Show how often each trick has been learnt, as far as the follower has counted."""
    counters = get_application(Counters)
    context = {
        "bars": bars(counters.get_counts()),
        "waiting": count_waiting(counters, get_application(DogSchool)),
    }
    return render(request, "training/tricks.html", context)


@require_safe
def leaderboard(request: HttpRequest) -> HttpResponse:
    """Show the dogs that have learnt most."""
    context = {
        "dogs": DogRow.objects.all()[:BEST],
        "best": BEST,
        "waiting": count_waiting(get_application(Leaderboard), get_application(DogSchool)),
    }
    return render(request, "training/leaderboard.html", context)


def _get_dog_or_404(dog_id: UUID) -> DogDetails:
    try:
        return get_application(DogSchool).get_dog(dog_id)
    except AggregateNotFoundError as error:
        raise Http404(f"There is no dog with the id {dog_id}.") from error
