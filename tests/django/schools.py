"""Small systems for the tests of settings and runners, with policies that do as they are told."""

import os
import signal
import time
from pathlib import Path

from eventsourcing.system import ProcessApplication, System
from tests.core.school import Counters, DogSchool, Tally, long_system, system

__all__ = ["FOLLOWERS", "Counters", "DogSchool", "Tally", "long_system", "system"]

not_a_system = 3


def add_tricks(system, count, trick="sit"):
    """Record the events of a dog: one more than there are tricks; return its id."""
    return teach(system.get(DogSchool), [trick] * count)


def teach(school, tricks):
    """Register a dog, and let it learn; return its id."""
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return dog_id


def make_system():
    return System(pipes=[[DogSchool, Counters]])


def make_nothing():
    return None


def make_failure():
    raise RuntimeError("no bricks")


class Namesake(ProcessApplication):
    """Claims a name that is taken."""

    name = "Counters"


class Shouting(ProcessApplication):
    """Has a name that stands for another application's in an environment."""

    name = "COUNTERS"


class Compressed(DogSchool):
    """Has settings of its own."""

    env = {"COMPRESSOR_TOPIC": "zlib", "IS_SNAPSHOTTING_ENABLED": "y", "WHO": "class"}


class Obedient(Counters):
    """Counts, after doing what the test has told it to do."""

    def told(self, domain_event):
        """Do nothing, unless a test replaces this."""

    def policy(self, domain_event, processing_event):
        self.told(domain_event)
        super().policy(domain_event, processing_event)


class Loud(Counters):
    """Counts, after saying so in a file and waiting as the process environment says."""

    def policy(self, domain_event, processing_event):
        if path := os.environ.get("TEST_LOUD_FILE"):
            with Path(path).open("a") as file:
                file.write(f"{getattr(domain_event, 'trick', '-')}\n")
        if seconds := os.environ.get("TEST_LOUD_SECONDS"):
            time.sleep(float(seconds))  # The work that a policy does; nothing is waited for.
        super().policy(domain_event, processing_event)


class Mortal(Counters):
    """Counts, and kills its own process once at the point that the environment names."""

    def policy(self, domain_event, processing_event):
        point = os.environ.get("TEST_KILL_AT")
        if point == "read":
            self.die_once()
        super().policy(domain_event, processing_event)
        if point == "policy":
            self.die_once()
        if point == "commit":
            self.recorder.on_commit(self.die_once)

    def die_once(self):
        died = Path(os.environ["TEST_KILL_FILE"])
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Poisoned(Counters):
    """Cannot count one trick."""

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", None) == "sing":
            raise ValueError("dogs do not sing")
        super().policy(domain_event, processing_event)


obedient_system = System(pipes=[[DogSchool, Obedient, Tally]])
loud_system = System(pipes=[[DogSchool, Loud]])
mortal_system = System(pipes=[[DogSchool, Mortal]])
poisoned_system = System(pipes=[[DogSchool, Poisoned, Tally], [DogSchool, Counters]])


class Ping(ProcessApplication):
    """Follows Pong, which follows it."""


class Pong(ProcessApplication):
    """Follows Ping, which follows it."""


class CatSchool(DogSchool):
    """Teaches in the same way."""


FOLLOWERS = [f"Counters{n}" for n in range(1, 13)]
"""The followers of the wide system, each of which follows two schools."""
wide_system = System(
    pipes=[
        [school, each]
        for each in [type(name, (Counters,), {"name": name}) for name in FOLLOWERS]
        for school in (DogSchool, CatSchool)
    ]
)
