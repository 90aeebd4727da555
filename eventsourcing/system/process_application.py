"""Process applications: followers that others can follow in turn."""

from eventsourcing.system.follower import Follower
from eventsourcing.system.leader import Leader

__all__ = ["ProcessApplication"]


class ProcessApplication(Leader, Follower):
    """A follower whose own events other followers process: it may stand in the middle of a pipe."""
