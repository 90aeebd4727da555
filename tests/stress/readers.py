"""Those who use the board of cases meanwhile: one looks at its page, the other records cases."""

import threading
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple, Self

from django.db import connections
from django.test import Client

from django_eventsourcing import get_system
from django_eventsourcing.registry import ConfiguredSystem
from example_project.permits.application import PermitCases
from example_project.permits.event_log import Row

PAGE = "/permits/cases/"


class Look(NamedTuple):
    """What a request for the page has shown."""

    status: int
    seconds: float
    cases: int = 0
    listed: int = 0
    """How many of the cases stand on the page itself."""
    activities: int = 0
    text: str = ""
    """What stands there instead, if that is an error."""

    def is_less_than(self, other: "Look") -> bool:
        """Tell whether there is less of anything."""
        return (
            self.cases < other.cases
            or self.listed < other.listed
            or self.activities < other.activities
        )


class Reader:
    """Asks for the page again and again, and keeps what it has shown."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self._client = Client(raise_request_exception=False)

    def look(self) -> Look:
        """Ask for the page."""
        begun = time.monotonic()
        response = self._client.get(PAGE)
        seconds = time.monotonic() - begun
        self.looks.append(_look(response, seconds))
        return self.looks[-1]

    @property
    def errors(self) -> list[Look]:
        return [look for look in self.looks if look.status != 200]

    @property
    def losses(self) -> list[tuple[Look, Look]]:
        """Pairs of looks of which the second has shown less than the first."""
        shown = [look for look in self.looks if look.status == 200]
        return [(one, two) for one, two in pairwise(shown) if two.is_less_than(one)]

    @property
    def slowest(self) -> float:
        return max(look.seconds for look in self.looks)


class Writer(threading.Thread):
    """Records these rows, one after the other, until the end of the ``with`` block."""

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__(daemon=True)
        self.recorded: list[Row] = []
        self.fault: Exception | None = None
        self._rows = rows
        self._cases = ConfiguredSystem(get_system().config).get(PermitCases)
        self._stopping = threading.Event()

    def run(self) -> None:
        try:
            for row in self._rows:
                self._cases.record(row.case, row.activity)
                self.recorded.append(row)
                if self._stopping.wait(0.02):
                    return
        except Exception as error:  # noqa: BLE001
            self.fault = error
        finally:
            connections.close_all()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stopping.set()
        self.join()
        if self.fault is not None:
            raise self.fault


def _look(response: Any, seconds: float) -> Look:
    if response.status_code != 200:
        error = getattr(response, "exc_info", None)
        return Look(response.status_code, seconds, text=repr(error[1]) if error else "")
    page = response.context["page"]
    return Look(
        200,
        seconds,
        cases=page.paginator.count,
        listed=len(page.object_list),
        activities=sum(bar.count for bar in response.context["busiest"]),
    )
