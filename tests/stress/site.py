"""A site: a database, the processes that work on it, and what they have done so far."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from tests.stress.checker import Effect, Logged, Verdict, check
from tests.stress.databases import environment, manage, query
from tests.stress.processes import Supervised
from tests.stress.servers import Server
from tests.waiting import wait_until

FOLLOWS: Mapping[str, Sequence[str]] = {
    "Watcher": ["Bank"],
    "Relay": ["Bank"],
    "Archive": ["Relay"],
}
EVENTS = "django_eventsourcing_storedeventrecord"


class Run(NamedTuple):
    """A run of a policy."""

    follower: str
    pid: int
    at: float


class Site:
    """The stress project on a database of its own."""

    def __init__(self, server: Server, name: str, directory: Path, seed: int) -> None:
        self.server = server
        self.name = name
        self.database = server.create(name)
        self.chance = random.Random(seed)
        self.follows = FOLLOWS
        self._directory = directory
        self._processes: list[Supervised] = []
        self._notes: dict[Supervised, Path] = {}
        self._progress = ""

    def runner(
        self,
        *arguments: object,
        options: dict[str, Any] | None = None,
        database: dict[str, Any] | None = None,
        prefix: Sequence[str] = (),
        restarts: bool = True,
        **variables: str,
    ) -> Supervised:
        """Start ``run_system``, perhaps by way of another entry of DATABASES."""
        return self._start(
            "run_system",
            [*prefix, *manage("run_system", *arguments)],
            environment(database or self.database, options, **variables),
            restarts=restarts,
        )

    def load(
        self,
        *arguments: object,
        restarts: bool = False,
        database: dict[str, Any] | None = None,
        prefix: Sequence[str] = (),
        **variables: str,
    ) -> Supervised:
        """Start a web-like process that sends requests; ``arguments`` are those of the load."""
        notes = self._directory / f"{len(self._processes)}.acks"
        command = [manage()[0], "-m", "tests.stress.load", str(notes)]
        load = self._start(
            "load",
            [*prefix, *command, f"--seed={self.chance.random()}", *map(str, arguments)],
            environment(database or self.database, **variables),
            restarts=restarts,
        )
        self._notes[load] = notes
        return load

    def soak(self, cycles: int) -> Supervised:
        """Start a process that starts and stops its runner again and again."""
        command = [manage()[0], "-m", "tests.stress.soak", str(cycles)]
        return self._start("soak", command, environment(self.database), restarts=False)

    def use(self, follows: Mapping[str, Sequence[str]]) -> None:
        """Expect these followers, where the system is another one."""
        self.follows = follows

    def wait_until_caught_up(self, timeout: float = 120) -> None:
        """Wait until all followers have processed all that is in their upstream logs."""
        try:
            wait_until(self.is_caught_up, "caught up", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self._progress}\n{self.logs[-3000:]}") from None

    def is_caught_up(self) -> bool:
        # First what is done: more may be recorded in between, but none be done that is not counted.
        done = self._counts(
            "SELECT follower, COUNT(DISTINCT notification_id) FROM stress_effect GROUP BY follower"
        )
        logged = self._counts(
            f"SELECT application_name, COUNT(*) FROM {EVENTS} GROUP BY application_name"
        )
        self._progress = f"logged {dict(logged)}, processed {dict(done)}"
        return all(
            done[follower] >= sum(logged[upstream] for upstream in upstreams)
            for follower, upstreams in self.follows.items()
        )

    def check(self) -> Verdict:
        """Let the checker look at everything."""
        return check(self.acknowledged(), self._log(), self._effects(), self.follows)

    def notes(self, *loads: Supervised) -> list[dict[str, Any]]:
        """Return what these loads have noted, or all of them: an entry for each answer."""
        return [
            json.loads(line)
            for load in loads or self._notes
            if self._notes[load].exists()
            for line in self._notes[load].read_text().splitlines()
        ]

    def acknowledged(self) -> list[Logged]:
        return [
            Logged("Bank", *recorded)
            for note in self.notes()
            for recorded in note.get("recorded", ())
        ]

    def errors(self) -> Counter[str]:
        """Return how often requests have failed, by what they have raised."""
        return Counter(
            f"{note['error']}: {note['text'][:60]}"
            for note in self.notes()
            if note["status"] == 500
        )

    def runs(self) -> list[Run]:
        """Return the runs of policies in their order."""
        rows = query(self.database, "SELECT follower, pid, at FROM stress_effect ORDER BY id")
        return [Run(follower, int(pid), float(at)) for follower, pid, at in rows]

    def delivery_times(self, follower: str) -> list[float]:
        """Return how long after the answer to the request the policy ran, for each event."""
        rows = query(
            self.database,
            "SELECT notification_id, at FROM stress_effect WHERE follower = %s",
            follower,
        )
        answered = {r[0]: note["t"] for note in self.notes() for r in note.get("recorded", ())}
        return [max(0.0, at - answered[id_]) for id_, at in rows if id_ in answered]

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return query(self.database, sql, *params)

    def processed(self) -> int:
        ((number,),) = query(self.database, "SELECT COUNT(*) FROM stress_effect")
        return int(number)

    def logged(self) -> int:
        ((number,),) = query(self.database, f"SELECT COUNT(*) FROM {EVENTS}")
        return int(number)

    @property
    def logs(self) -> str:
        return "\n".join(f"--- {p.name} {p.pid}\n{p.output[-4000:]}" for p in self._processes)

    def close(self) -> None:
        for process in self._processes:
            process.close()
        self.server.drop(self.name)

    def _start(
        self, name: str, command: list[str], variables: dict[str, str], *, restarts: bool
    ) -> Supervised:
        log = self._directory / f"{len(self._processes)}-{name}.log"
        process = Supervised(name, command, variables, log, restarts=restarts)
        self._processes.append(process)
        return process

    def _log(self) -> list[Logged]:
        rows = query(
            self.database,
            f"SELECT application_name, id, originator_id, originator_version FROM {EVENTS}",
        )
        return [
            Logged(application, int(id_), UUID(str(originator)).hex, int(version))
            for application, id_, originator, version in rows
        ]

    def _effects(self) -> list[Effect]:
        rows = query(
            self.database,
            "SELECT follower, upstream, notification_id, originator_id, originator_version "
            "FROM stress_effect ORDER BY id",
        )
        return [Effect(*row) for row in rows]

    def _counts(self, sql: str) -> Counter[str]:
        return Counter({name: int(number) for name, number in query(self.database, sql)})


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
