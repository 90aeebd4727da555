"""Documents of any size, and a clerk who notes each of them."""

from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import PersistenceError
from eventsourcing.system import System
from tests.stress.project.applications import Noting


class Document(Aggregate):
    """Has a content of any size."""

    @event("Filed")
    def __init__(self, content: str) -> None:
        self.content = content


class Files(Application):
    """Keeps documents."""

    def file(self, mebibytes: int) -> tuple[str, str]:
        """File a document of this size; return what came of it."""
        content = "x" * (mebibytes * 2**20)
        document = Document(content)
        try:
            self.save(document)
        except PersistenceError as error:
            assert len(document.pending_events) == 1
            return type(error).__name__, str(error)
        found: Any = self.repository.get(document.id)
        return ("filed", "") if found.content == content else ("changed", "")


class Clerk(Noting):
    """Notes each document."""


system = System(pipes=[[Files, Clerk]])
