"""Processes: who is still there."""

import os
import subprocess
import sys

import pytest

from django_eventsourcing.runners.processes import is_alive, pid_space


def test_this_process_is_alive():
    assert is_alive(os.getpid())


def test_one_that_has_ended_is_not():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()

    assert not is_alive(process.pid)


def test_one_of_somebody_else_is_alive(monkeypatch):
    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)

    assert is_alive(1)


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere, there is no /proc.")
def test_processes_of_one_machine_have_the_same_space():
    code = (
        "import django; django.setup(); "
        "from django_eventsourcing.runners.processes import pid_space; print(pid_space())"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, env=env
    )

    assert pid_space() == other.stdout.strip() != ""
