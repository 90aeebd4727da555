"""The processes of contenders, and what they are told."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONTENDERS = ROOT / "benchmarks" / "contenders"


class Contender:
    """A process that waits for orders; see ``benchmarks.contenders.talking``."""

    def __init__(self, command: Sequence[str]) -> None:
        environment = {name: value for name, value in os.environ.items() if name[:6] != "PYTHON"}
        # Peers must not find this project's packages, and this project is found by its name.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            cwd=CONTENDERS,
            env={**environment, "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        orders, answers = self._process.stdin, self._process.stdout
        if orders is None or answers is None:
            raise RuntimeError("The process has no pipes.")
        self._orders, self._answers = orders, answers

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def tell(self, workload: str, **arguments: Any) -> None:
        """Give an order, and do not wait for the answer."""
        order = {"workload": workload, "arguments": arguments}
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()

    def answer(self) -> Any:
        """Wait for the answer to the last order; ``None`` where it has no such workload."""
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} has ended with {self._process.wait()}.")
        return json.loads(line)

    def ask(self, workload: str, **arguments: Any) -> Any:
        """Give an order, and return the answer."""
        self.tell(workload, **arguments)
        return self.answer()

    def close(self) -> None:
        """Let the process end."""
        self._orders.close()
        self._process.wait()


@contextmanager
def started(commands: dict[str, Sequence[str]]) -> Iterator[dict[str, Contender]]:
    """Start the contenders, one after the other; end them in the end."""
    contenders: dict[str, Contender] = {}
    try:
        for name, command in commands.items():
            contenders[name] = Contender(command)
            # It answers when it has made its tables, for which another one would not wait.
            contenders[name].ask("hello")
        yield contenders
    finally:
        for contender in contenders.values():
            contender.close()
