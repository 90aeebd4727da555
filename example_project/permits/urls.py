"""The pages of the permit office."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from example_project.permits import views


class CaseNumber(StringConverter):
    """The number of a case: any text, with slashes and line breaks."""

    regex = r"[\s\S]+"


register_converter(CaseNumber, "case_number")

app_name = "permits"
urlpatterns = [
    path("", views.search, name="search"),
    path("cases/", views.board, name="board"),
    path("cases/<case_number:case_id>/", views.case, name="case"),
    path("counts/", views.counts, name="counts"),
]
