"""The pages of the dog school."""

from django.urls import path

from example_project.training import views

app_name = "training"
urlpatterns = [
    path("", views.dogs, name="dogs"),
    path("dogs/<uuid:dog_id>/", views.dog, name="dog"),
    path("leaderboard/", views.leaderboard, name="leaderboard"),
    path("tricks/", views.tricks, name="tricks"),
]
