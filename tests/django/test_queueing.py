"""Queues of a host: one process at a time, and nobody for ever."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from django_eventsourcing.queueing import HostQueue

HOLDER = """
import sys, time
from django_eventsourcing.queueing import HostQueue
with HostQueue(sys.argv[1]).turn(0):
    print("has it", flush=True)
    time.sleep(60)
"""
COUNTER = """
import sys, time
from pathlib import Path
from django_eventsourcing.queueing import HostQueue
count = Path(sys.argv[2])
for _ in range(50):
    with HostQueue(sys.argv[1]).turn(60):
        number = int(count.read_text())
        time.sleep(0.001)
        count.write_text(str(number + 1))
"""
FORKER = """
import os, signal, sys, time
from django_eventsourcing.queueing import HostQueue
queue = HostQueue(sys.argv[1])
with queue.turn(0):
    child = os.fork()
    if not child:
        time.sleep(60)
        os._exit(0)
with queue.turn(0.1) as were_others_there:
    print(were_others_there)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
"""


@pytest.fixture
def name(tmp_path):
    return str(tmp_path)


@pytest.fixture
def holder(name):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, name], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "has it\n"
    yield process
    process.kill()
    process.wait()


def test_one_process_has_the_turn_at_a_time(name, tmp_path):
    count = tmp_path / "count"
    count.write_text("0")
    counters = [
        subprocess.Popen([sys.executable, "-c", COUNTER, name, str(count)]) for _ in range(4)
    ]
    assert [counter.wait(60) for counter in counters] == [0] * 4
    assert count.read_text() == "200"


def test_it_is_told_whether_there_were_others(name):
    with HostQueue(name).turn(0) as were_others_there:
        assert not were_others_there
        for timeout in (0.02, 0):
            with HostQueue(name).turn(timeout) as were_others_there:
                assert were_others_there


def test_nobody_waits_for_ever(holder, name):
    started = time.monotonic()
    with HostQueue(name).turn(0.1) as were_others_there:
        assert were_others_there
    assert time.monotonic() - started >= 0.1


def test_a_process_that_dies_leaves_its_turn(holder, name):
    holder.kill()
    holder.wait()

    with HostQueue(name).turn(60) as were_others_there:
        assert not were_others_there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_a_child_that_is_forked_meanwhile_does_not_keep_the_turn(name):
    finished = subprocess.run(
        [sys.executable, "-c", FORKER, name], capture_output=True, text=True, timeout=60, check=True
    )

    assert finished.stdout == "False\n"


def test_another_name_is_another_queue(holder, name):
    with HostQueue(f"{name} too").turn(60) as were_others_there:
        assert not were_others_there


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"django-eventsourcing-{os.getuid()}"


def test_its_files_are_for_this_user_alone(temporary, name):
    with HostQueue(name).turn(0):
        [file] = temporary.iterdir()
        assert temporary.stat().st_mode & 0o777 == 0o700
        assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_place_for_files_all_go_on(temporary, name):
    temporary.write_text("a file, not a directory")

    with HostQueue(name).turn(60), HostQueue(name).turn(60) as were_others_there:
        assert not were_others_there


def test_a_link_that_somebody_has_put_there_is_not_followed(temporary, name, tmp_path):
    with HostQueue(name).turn(0):
        [file] = temporary.iterdir()
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")

    with HostQueue(name).turn(0):
        assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory to somebody else")
def test_a_directory_of_somebody_else_is_not_used(temporary, name):
    temporary.mkdir()
    os.chown(temporary, 65534, 65534)

    with HostQueue(name).turn(0):
        assert list(temporary.iterdir()) == []


def test_no_files_stay_open(temporary, name):
    for _ in range(3):
        with HostQueue(name).turn(0):
            pass

    [file] = temporary.iterdir()
    links = Path("/proc/self/fd").iterdir()
    assert str(file) not in [str(link.readlink()) for link in links if os.path.lexists(link)]
