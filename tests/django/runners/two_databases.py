"""Systems whose applications are in two databases, or whose policies use another one."""

from django.contrib.auth.models import Group

from eventsourcing.system import System
from tests.core.school import Counters, DogSchool
from tests.django.schools import Obedient, teach

__all__ = ["CatCounters", "CatSchool", "Counters", "DogCounters", "DogSchool", "Registrar"]


class CatSchool(DogSchool):
    """Is in the database that goes away."""


class DogCounters(Obedient):
    """Follows the dogs alone."""


class CatCounters(Counters):
    """Follows the cats alone."""


class Registrar(Counters):
    """Counts what is on record in a database that is neither its own nor that of the dogs."""

    def policy(self, domain_event, processing_event):
        list(Group.objects.using("postgres")[:1])
        super().policy(domain_event, processing_event)


system = System(
    pipes=[
        [DogSchool, Counters],
        [CatSchool, Counters],
        [DogSchool, DogCounters],
        [CatSchool, CatCounters],
    ]
)
dogs_system = System(pipes=[[DogSchool, DogCounters]])
registrar_system = System(pipes=[[DogSchool, Registrar]])


def add(system, school, count):
    """Let a new pupil of the school learn so many tricks."""
    teach(system.get(school), ["sit"] * count)


def count(system, follower):
    """Return how many tricks the follower has counted."""
    return system.get(follower).get_count("sit")
