"""The pages of the example project: home, the two examples, the admin."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="example_project/home.html"), name="home"),
    path("training/", include("example_project.training.urls")),
    path("permits/", include("example_project.permits.urls")),
    path("admin/", admin.site.urls),
]
