"""Mailing: a follower that is no projection, and sends what it processes; and one that is one."""

from typing import ClassVar

from eventsourcing.domain import Aggregate
from eventsourcing.system import ProcessApplication, System
from tests.core.school import DogSchool
from tests.django.projections.boards import Board


class Mailer(ProcessApplication):
    """Sends a mail for each event; they are kept here, in the order in which they were sent."""

    sent: ClassVar[list[int]] = []

    def policy(self, domain_event, processing_event):
        self.sent.append(processing_event.tracking.notification_id)


class Mail(Aggregate):
    """What the mailer may record of its own."""


mailing_system = System(pipes=[[DogSchool, Mailer], [DogSchool, Board]])
