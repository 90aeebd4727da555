"""Reloading: which files are watched beside those that Django's autoreloader knows of."""

import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.core.exceptions import ImproperlyConfigured
from django.utils import autoreload

from django_eventsourcing.conf import get_aliases, get_config
from django_eventsourcing.loading import load_runner_class, load_system

__all__ = ["CodeFiles", "watch_what_fails"]


def watch_what_fails() -> None:
    """
    Let the autoreloader watch the files that keep the configured systems from being imported.

    A module that fails is none of those that are loaded, which are watched anyway.
    """
    for error in _failures():
        for filename in _files_of(error):
            with suppress(_FileError):
                autoreload.check_errors(_raise)(filename)


class CodeFiles:
    """The files of the code that is loaded in this process, as they are at a moment."""

    def __init__(self, *, look: float = 1.0) -> None:
        self._look = look
        self._paths = autoreload.iter_all_python_module_files()
        self._times = dict(self._modified())
        self._next_look = time.monotonic() + look

    def have_changed(self) -> bool:
        """Tell whether one is not as it was; the disk is asked once in a while."""
        if time.monotonic() < self._next_look:
            return False
        self._next_look = time.monotonic() + self._look
        return dict(self._modified()) != self._times

    def _modified(self) -> Iterator[tuple[str, float]]:
        for path in self._paths:
            with suppress(OSError):
                yield str(path), path.stat().st_mtime


class _FileError(Exception):
    """Names a file, as the errors do that the autoreloader takes note of."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename)
        self.filename = filename


def _raise(filename: str) -> None:
    raise _FileError(filename)


def _failures() -> Iterator[BaseException]:
    """Yield what goes wrong when the systems are imported, and what has caused it."""
    try:
        aliases = list(get_aliases())
    except ImproperlyConfigured:
        # The settings are loaded, and so they are watched.
        return
    for alias in aliases:
        error: BaseException | None = None
        try:
            config = get_config(alias)
            load_system(config)
            load_runner_class(config)
        except Exception as failure:  # noqa: BLE001 - whatever a module does when it is imported
            error = failure
        while error is not None:
            yield error
            error = error.__cause__ or error.__context__


def _files_of(error: BaseException) -> Iterable[str]:
    named = getattr(error, "filename", None)
    if isinstance(named, str):
        yield named
    for frame in traceback.extract_tb(error.__traceback__):
        yield frame.filename
