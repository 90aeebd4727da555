"""A system whose applications keep their records in tables of their own, or in the shared ones."""

from eventsourcing.system import System
from tests.core.school import Counters, DogSchool

__all__ = ["MODELS", "Counters", "DogSchool", "system", "values"]

system = System(pipes=[[DogSchool, Counters]])

MODELS = {
    "DogSchool": {
        "MODELS": {"EVENT": "own_models.DogEvent", "SNAPSHOT": "own_models.DogSnapshot"},
    },
    "Counters": {"MODELS": {"TRACKING": "own_models.DogTracking"}},
}


def values(**others):
    """Return the settings of the system."""
    return {
        "SYSTEM": "tests.django.own_models.school.system",
        "APPLICATIONS": MODELS,
        **others,
    }
