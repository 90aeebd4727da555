"""``manage.py`` in a process of its own, as operators run it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from django_eventsourcing import get_application
from tests.django.schools import DogSchool, teach

ROOT = Path(__file__).resolve().parents[3]


def add_tricks(count, trick="sit"):
    """Record, in this process, the events of a dog: one more than there are tricks."""
    teach(get_application(DogSchool), [trick] * count)


class Manage:
    """A running ``manage.py`` command."""

    def __init__(self, *args, eventsourcing, databases=None, env=None):
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            [sys.executable, "-m", "django", *args],
            cwd=ROOT,
            env={**child_environment(eventsourcing, databases), **(env or {})},
            stdout=self._output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *args):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._output.close()

    @property
    def output(self):
        """What the command has written so far."""
        # The two share a place in the file: to read from it would move where the command writes.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def is_running(self):
        return self._process.poll() is None

    def send(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def wait(self, timeout=60):
        """Return the exit code."""
        return self._process.wait(timeout)


def child_environment(eventsourcing, databases=None):
    """Return the environment in which a command has these settings."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.django.commands.child_settings",
        "TEST_EVENTSOURCING": json.dumps(eventsourcing),
        "TEST_DATABASES": json.dumps(databases or {}),
    }


def manage(*args, **kwargs):
    """Run a command to its end; return its exit code and what it has written."""
    with Manage(*args, **kwargs) as command:
        code = command.wait()
        return code, command.output
