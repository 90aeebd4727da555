"""An aggregate with an event of a second version, for the tests of upcasting."""

from eventsourcing.domain import Aggregate, event


class Moved(Aggregate):
    def __init__(self):
        self.distance = 0

    class Stepped(Aggregate.Event):
        steps: int
        class_version = 2

        @staticmethod
        def upcast_v1_v2(state):
            state["steps"] = state.pop("n")

    @event(Stepped)
    def step(self, steps):
        self.distance += steps


class Unsteady(Aggregate):
    """Has an event of a second version, and cannot read the first."""

    class Stepped(Aggregate.Event):
        steps: int
        class_version = 2
