"""Lines: what a long-running command says, as text for people or as JSON for machines."""

import json
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Protocol

__all__ = ["Lines"]


class Stream(Protocol):
    """Takes lines; a command's ``stdout`` ends each one itself."""

    def write(self, line: str) -> object: ...
    def flush(self) -> object: ...


class Lines:
    """
    Writes lines, from any thread, each in one piece.

    As JSON, a line is an object with at least ``time`` (UTC), ``level`` and ``message``; and with
    ``follower`` where the message begins with a follower's name.
    """

    def __init__(
        self, stream: Stream, *, is_json: bool = False, followers: Collection[str] = ()
    ) -> None:
        self.is_json = is_json
        self.followers = followers
        self._stream = stream
        self._lock = Lock()

    def write(self, message: str, *, level: str = "INFO", **values: Any) -> None:
        """Write a line; ``values`` are told in JSON alone."""
        line = self._json(message.strip(), level, values) if self.is_json else message
        if line or not self.is_json:
            with self._lock:
                self._stream.write(line)
                self._stream.flush()

    @contextmanager
    def with_log(self, name: str) -> Iterator[None]:
        """As JSON, write what the named logger is told, too; as text, leave that to logging."""
        if not self.is_json:
            yield
            return
        handler = _Handler(self)
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)

    def _json(self, message: str, level: str, values: dict[str, Any]) -> str:
        if not message:
            return ""
        line = {"time": datetime.now(UTC).isoformat(), "level": level, "message": message}
        first = message.split(maxsplit=1)[0].rstrip(":")
        if first in self.followers:
            line["follower"] = first
        return json.dumps(line | values, ensure_ascii=False, default=str)


class _Handler(logging.Handler):
    """Writes log records as lines."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            values: dict[str, Any] = {"logger": record.name}
            if record.exc_info:
                values["traceback"] = logging.Formatter().formatException(record.exc_info)
            self._lines.write(record.getMessage(), level=record.levelname, **values)
        except Exception:  # noqa: BLE001 - as the logging module has it
            self.handleError(record)
