"""A system whose module names a class of events that there is not; it cannot be imported."""

from eventsourcing.system import System
from tests.core.school import Counters, Dog, DogSchool

EVENT = Dog.TrickAded

system = System(pipes=[[DogSchool, Counters]])
