"""The app of the stress tests, which puts their faults in place."""

from django.apps import AppConfig

from tests.stress.project import faults


class StressConfig(AppConfig):
    """Takes the faults that the environment asks for into this process."""

    name = "tests.stress.project"
    label = "stress"

    def ready(self) -> None:
        faults.install()
