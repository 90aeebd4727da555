"""The permit office as an app."""

from django.apps import AppConfig

__all__ = ["PermitsConfig"]


class PermitsConfig(AppConfig):
    """Permit cases from an event log, and what a follower counts in them."""

    name = "example_project.permits"
    verbose_name = "Permit office"
