"""Catching up: a follower processes all that there is, in the test's own thread."""

from django_eventsourcing import get_application
from eventsourcing.application import Application
from eventsourcing.system import Follower


def catch_up(follower: type[Follower], upstream: type[Application]) -> None:
    """Let the follower process all events of the upstream application."""
    application, leader = get_application(follower), get_application(upstream)
    application.follow(leader.name, leader.notification_log, leader.mapper)
    application.pull_and_process(leader.name)
