"""Addresses of the pages of the tests."""

from django.urls import path

from tests.django.reading_own_writes import views

urlpatterns = [
    path("write/<trick>/", views.write),
    path("take-back/<trick>/", views.take_back),
    path("log-in/<trick>/", views.log_in),
    path("read/<trick>/", views.read),
    path("read-soon/<trick>/", views.read_soon),
    path("read-tally/<trick>/", views.read_tally),
    path("write-and-read/<trick>/", views.write_and_read),
    path("awrite/<trick>/", views.awrite),
    path("aread/<trick>/", views.aread),
    path("aread-soon/<trick>/", views.aread_soon),
    path("awrite-and-read/<trick>/", views.awrite_and_read),
    path("page/<trick>/", views.Page.as_view()),
    path("async-page/<trick>/", views.AsyncPage.as_view()),
    path("odd-page/<trick>/", views.OddPage.as_view()),
    path("hidden/<trick>/", views.plain(views.read_soon)),
]
