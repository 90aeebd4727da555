"""The project's frame holds: the wheel is complete, the targets of make exist and speak clearly."""

import os
import signal
import socket
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    # What an outer make passes on to its children is not this one's business.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=environ | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """Build the wheel without a network."""
    target = tmp_path_factory.mktemp("wheel")
    offline = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", target, ROOT],
        check=True,
        timeout=120,
    )
    return zipfile.ZipFile(next(target.glob("*.whl")))


def test_the_wheel_holds_every_file_of_both_packages(wheel):
    files = {
        str(path.relative_to(ROOT))
        for package in ("eventsourcing", "django_eventsourcing")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert packed == files
    assert {"eventsourcing/py.typed", "django_eventsourcing/py.typed"} <= packed
    assert any("/migrations/0001" in name for name in packed)
    assert any("/templates/" in name for name in packed)


def test_the_wheel_asks_for_django_alone(wheel):
    metadata = next(name for name in wheel.namelist() if name.endswith("/METADATA"))

    lines = wheel.read(metadata).decode().splitlines()

    assert [
        line for line in lines if line.startswith("Requires-Dist") and "extra ==" not in line
    ] == ["Requires-Dist: django>=5.2"]
    assert "License-Expression: BSD-3-Clause" in lines


def test_the_wheel_runs_without_the_source_tree(wheel, tmp_path):
    wheel.extractall(tmp_path)
    code = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django_eventsourcing"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("makemigrations", check=True, verbosity=0)
import django_eventsourcing
print(django_eventsourcing.__file__)
"""

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_make_alone_lists_the_targets():
    done = make()

    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert listed == [
        *[
            "help",
            "demo",
            "run",
            "test",
            "stress",
            "bench",
            "lint",
            "format",
            "reference",
            "messages",
        ],
    ]


def test_make_says_that_no_python_is_recent_enough(tmp_path):
    done = make("test", "PYTHON=python-of-old", f"VENV={tmp_path / 'venv'}")

    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "No Python 3.11 or later found (tried: python-of-old). "
        "HINT: Install one, or name it, as in: make test PYTHON=/path/to/python3"
    )
    assert not (tmp_path / "venv").exists()


def test_make_keeps_an_environment_to_its_python(tmp_path):
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text('#!/bin/sh\ncase "$2" in *exit*) ;; *) echo 3.99 ;; esac\n')
    other.chmod(0o755)

    done = make("test", f"PYTHON={other}", f"VENV={sys.prefix}")

    version = "{}.{}".format(*sys.version_info)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        f"{sys.prefix} has Python {version}, but PYTHON={other} was asked for. "
        f"HINT: Give another environment, as in VENV=.venv-other, or remove {sys.prefix}."
    )


def test_the_example_serves_and_runs_its_system_until_ctrl_c(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    output = tmp_path / "output"
    # The environment of the tests has what the example needs.
    made = ["VENV=" + sys.prefix, "-o", f"{sys.prefix}/.installed-example"]
    with output.open("w") as file:
        terminal = subprocess.Popen(
            [sys.executable, "-c", TERMINAL, "make", "run", f"ADDRESS={address}", *made],
            cwd=ROOT,
            env=os.environ
            | {
                "DATABASE_URL": f"sqlite:///{tmp_path / 'example.sqlite3'}",
                "PYTHONUNBUFFERED": "1",
            },
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: answers(address), f"{address} answers", timeout=60)
        wait_until(lambda: "polling" in output.read_text(), "run_system runs", timeout=60)
    finally:
        terminal.communicate(CTRL_C, timeout=60)

    written = output.read_text()
    assert "^C" in written
    assert "SIGINT: finishing what is in hand; again to abort." in written
    assert "***" not in written
    # A shell says nothing of a command that Ctrl-C has ended.
    assert terminal.returncode in (0, -signal.SIGINT)
    assert not answers(address)


CTRL_C = b"\x03"
TERMINAL = """
import os, pty, signal, sys
# Ended by a signal, a command has a negative code, as for subprocess.
code = os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], stdin_read=lambda fd: os.read(fd, 1)))
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(code) if code >= 0 else os.kill(os.getpid(), -code)
"""


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (
            "127.0.0.1:{taken}",
            (
                "127.0.0.1:{taken} cannot be served: Address already in use.  "
                "HINT: Name another address, as in: make run ADDRESS=127.0.0.1:{next}"
            ),
        ),
        (
            "everywhere",
            (
                "ADDRESS=everywhere is not a host and a port.  "
                "HINT: Write it as in: make run ADDRESS=127.0.0.1:8001"
            ),
        ),
    ],
)
def test_an_address_that_cannot_be_served_is_told_before_anything_runs(address, error):
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        values = {"taken": taken, "next": max(taken + 1, 8001)}

        done = subprocess.run(
            [sys.executable, "scripts/run_example.py", address.format(**values)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert done.stderr == error.format(**values) + "\n"
    assert (done.returncode, done.stdout) == (1, "")


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_the_long_tests_are_left_out_of_an_ordinary_run():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]

    assert options["addopts"][-2:] == ["-m", "not stress"]


def test_the_script_of_continuous_integration_is_sound():
    script = ROOT / ".ci" / "run"

    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, timeout=10)

    assert (done.returncode, done.stderr) == (0, "")
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text()
