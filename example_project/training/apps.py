"""The dog school as an app."""

from django.apps import AppConfig

__all__ = ["TrainingConfig"]


class TrainingConfig(AppConfig):
    """The dog school of the system page of the documentation, with forms in front."""

    name = "example_project.training"
    verbose_name = "Dog school"
