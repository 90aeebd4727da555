"""
A web-like process: threads that send requests through Django's WSGI handler, one after the other.

It writes a line for each request to a file when the answer has come: what was acknowledged, or
what went wrong. A kill at any time leaves those lines that were written.
"""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import django


def main() -> None:
    arguments = parsed_arguments()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    django.setup()
    from django.core.wsgi import get_wsgi_application

    file = os.open(arguments.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    if arguments.after:
        wait_for(Path(arguments.after))
    clients = [
        threading.Thread(
            target=Client(get_wsgi_application(), file, arguments, number).run, args=[stopping]
        )
        for number in range(arguments.threads)
    ]
    for client in clients:
        client.start()
    for client in clients:
        client.join()


def wait_for(go: Path) -> None:
    """Say that this process is ready, and wait until the file is there."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not go.exists():
        time.sleep(0.01)


class Client:
    """Sends random requests."""

    def __init__(
        self,
        application: Callable[..., Iterable[bytes]],
        file: int,
        arguments: argparse.Namespace,
        number: int,
    ) -> None:
        self._application = application
        self._file = file
        self._arguments = arguments
        self._chance = random.Random(f"{arguments.seed}/{number}")

    def run(self, stopping: threading.Event) -> None:
        arguments = self._arguments
        deadline = time.monotonic() + arguments.seconds
        left = arguments.requests
        while left and time.monotonic() < deadline and not stopping.is_set():
            self._command(stopping)
            left -= 1
            if arguments.pause:
                stopping.wait(self._chance.uniform(0, arguments.pause))

    def _command(self, stopping: threading.Event) -> None:
        """Send a command, again if another one of the same account was first."""
        query = self._random_query()
        for attempt in range(1, self._arguments.attempts + 1):
            started = time.time()
            status, answer = self._get(query)
            note = {"t": time.time(), "s": time.time() - started, "status": status, **answer}
            self._write({**note, "attempt": attempt})
            if status not in (409, 500) or (status == 500 and not is_deadlock(answer)):
                break
            stopping.wait(self._chance.uniform(0, 0.01 * attempt))
        if status == 500:
            stopping.wait(0.1)

    def _random_query(self) -> dict[str, Any]:
        arguments, chance = self._arguments, self._chance
        query: dict[str, Any] = {
            "account": chance.randrange(arguments.accounts),
            "count": chance.randint(1, arguments.most),
            "hold": arguments.hold_least + chance.uniform(0, arguments.hold),
        }
        if chance.random() < arguments.rollbacks:
            query["roll_back"] = 1
        if arguments.business:
            query["business"] = chance.choice(["before", "after"])
        return query

    def _get(self, query: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": self._arguments.path,
            "QUERY_STRING": urlencode(query),
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
        }
        statuses: list[str] = []
        response: Any = self._application(environ, lambda status, headers: statuses.append(status))
        try:
            body = b"".join(response)
        finally:
            response.close()
        return int(statuses[0].split()[0]), json.loads(body)

    def _write(self, note: dict[str, Any]) -> None:
        # One write: lines of several threads and processes do not mix.
        os.write(self._file, json.dumps(note).encode() + b"\n")


def is_deadlock(answer: dict[str, Any]) -> bool:
    """Tell whether a database has chosen this transaction to end a deadlock."""
    text = answer.get("text", "")
    return "1213" in text or "1020" in text or "deadlock detected" in text


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--path", default="/enter")
    parser.add_argument("--after", help="a file to wait for before the first request")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--requests", type=int, default=-1, help="of each thread; -1: any number")
    parser.add_argument("--accounts", type=int, default=300)
    parser.add_argument("--most", type=int, default=3, help="events of a request")
    parser.add_argument("--hold", type=float, default=0.0, help="seconds after them, at most")
    parser.add_argument("--hold-least", type=float, default=0.0)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between requests")
    parser.add_argument("--rollbacks", type=float, default=0.1)
    parser.add_argument("--attempts", type=int, default=10)
    parser.add_argument("--business", action="store_true", help="change a row beside the events")
    return parser.parse_args()


if __name__ == "__main__":
    main()
