"""A bank whose accounts get entries; followers that note each event, and one that records too."""

import os
import time
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import ProcessApplication, System
from tests.stress.project import faults


class Account(Aggregate):
    """Counts its entries."""

    @event("Opened")
    def __init__(self, number: str) -> None:
        self.number = number
        self.entries = 0

    @staticmethod
    def create_id(number: str) -> UUID:
        return uuid5(NAMESPACE_URL, f"/accounts/{number}")

    @event("Entered")
    def enter(self) -> None:
        self.entries += 1


class Receipt(Aggregate):
    """Says that the relay has seen an event of an account."""

    @event("Issued")
    def __init__(self, account: str, account_version: int) -> None:
        self.account = account
        self.account_version = account_version


class Bank(Application):
    """Records entries."""

    def enter(self, number: str, count: int) -> list[Any]:
        """Make entries, the first of them by opening the account; return what was recorded."""
        account = self._account(number)
        for _ in range(count - len(account.pending_events)):
            account.enter()
        return list(self.save(account))

    def _account(self, number: str) -> Account:
        try:
            found: Account = self.repository.get(Account.create_id(number))
        except AggregateNotFoundError:
            return Account(number)
        return found


class Noting(ProcessApplication):
    """Notes each event that it processes, as slowly as the environment says."""

    seconds: ClassVar[float] = float(os.environ.get("STRESS_POLICY_SECONDS", "0"))

    def policy(self, domain_event: Any, processing_event: Any) -> None:
        from tests.stress.project.models import Effect

        faults.reach("read")
        if self.seconds:
            time.sleep(self.seconds)  # The work of a slow policy.
        Effect.objects.create(
            follower=self.name,
            upstream=processing_event.tracking.application_name,
            notification_id=processing_event.tracking.notification_id,
            originator_id=domain_event.originator_id.hex,
            originator_version=domain_event.originator_version,
            pid=os.getpid(),
            at=time.time(),
        )
        self.record(domain_event, processing_event)
        faults.reach("policy")

    def record(self, domain_event: Any, processing_event: Any) -> None:
        """Record nothing."""


class Watcher(Noting):
    """Writes rows and no events."""


class Relay(Noting):
    """Records an event of its own for each one."""

    def record(self, domain_event: Any, processing_event: Any) -> None:
        receipt = Receipt(domain_event.originator_id.hex, domain_event.originator_version)
        processing_event.collect_events(receipt)


class Archive(Noting):
    """Follows the relay."""


class Counting(ProcessApplication):
    """Writes nothing at all."""

    def policy(self, domain_event: Any, processing_event: Any) -> None:
        """Leave it at the position."""


system = System(pipes=[[Bank, Watcher], [Bank, Relay, Archive]])
watched = System(pipes=[[Bank, Watcher]])
counted = System(pipes=[[Bank, Counting]])
