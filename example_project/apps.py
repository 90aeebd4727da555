"""The example project as an app: the home page, the look of the pages, the demo command."""

from django.apps import AppConfig

__all__ = ["ExampleProjectConfig"]


class ExampleProjectConfig(AppConfig):
    """What the two examples share."""

    name = "example_project"
    verbose_name = "Example project"
