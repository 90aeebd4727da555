"""The pages of the permit office."""

from django.urls import path

from example_project.permits import views

app_name = "permits"
urlpatterns = [
    path("", views.search, name="search"),
    path("cases/<path:case_id>/", views.case, name="case"),
    path("counts/", views.counts, name="counts"),
]
