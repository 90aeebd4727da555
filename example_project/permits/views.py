"""Views of the permit office: thin, since the applications know what to do."""

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from django_eventsourcing import get_application
from example_project.charts import bars
from example_project.permits.application import CaseStatistics, PermitCases
from example_project.permits.board import CaseBoard
from example_project.permits.forms import CaseFilterForm, CaseSearchForm
from example_project.permits.models import ResourceLoad
from example_project.waiting import count_waiting

__all__ = ["board", "case", "counts", "search"]

NEWEST = 20
PAGE = 25
BUSIEST = 12


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Ask for the number of a case, and go to its page; show the cases recorded last."""
    form = CaseSearchForm(request.GET if "case" in request.GET else None)
    if form.is_valid():
        case_id = form.cleaned_data["case"]
        if get_application(PermitCases).find_case(case_id):
            return redirect("permits:case", case_id)
        form.add_error("case", f"There is no case with the number “{case_id}”.")
    context = {
        "form": form,
        "cases": get_application(PermitCases).newest_cases(NEWEST),
        "newest": NEWEST,
    }
    return render(request, "permits/search.html", context)


@require_safe
def case(request: HttpRequest, case_id: str) -> HttpResponse:
    """Show a case and the activities completed in it, in the order of time."""
    permit_case = get_application(PermitCases).find_case(case_id)
    if permit_case is None:
        raise Http404(f"There is no case with the number {case_id}.")
    activities = sorted(permit_case.activities.values(), key=lambda each: each.completed_at)
    context = {"case": permit_case.details, "activities": activities}
    return render(request, "permits/case.html", context)


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """List the cases as the projection has them, and who has done how much."""
    form = CaseFilterForm(request.GET)
    chosen = form.chosen()
    by_state = chosen.order_by().values_list("state").annotate(Count("pk"))
    busiest = ResourceLoad.objects.values_list("resource", "activities")[:BUSIEST]
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "form": form,
        "page": Paginator(chosen, PAGE).get_page(request.GET.get("page")),
        "query": query.urlencode(),
        "states": bars(dict(sorted(by_state, key=lambda pair: (-pair[1], pair[0])))),
        "busiest": bars({resource or "unknown": count for resource, count in busiest}),
        "waiting": count_waiting(get_application(CaseBoard), get_application(PermitCases)),
    }
    return render(request, "permits/board.html", context)


@require_safe
def counts(request: HttpRequest) -> HttpResponse:
    """Show how much has been done, as far as the follower has counted."""
    statistics = get_application(CaseStatistics)
    by_activity = statistics.get_counts()
    months = statistics.get_months()
    context = {
        "activities": bars(by_activity),
        "waiting": count_waiting(statistics, get_application(PermitCases)),
        "total": sum(by_activity.values()),
        "cases": sum(month.cases for month in months),
        "months": list(
            zip(
                months,
                bars({month.name: month.activities for month in months}),
                strict=True,
            )
        ),
    }
    return render(request, "permits/counts.html", context)
