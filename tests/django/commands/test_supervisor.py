"""The supervisor: it keeps processes running, and tells how they have ended."""

import os
import signal
import sys
from functools import partial
from threading import Thread

import pytest
from django.utils import autoreload

from django_eventsourcing.management.run_options import add_arguments, child_arguments
from django_eventsourcing.management.signals import StopSignals
from django_eventsourcing.management.supervisor import Supervisor, program, summed
from django_eventsourcing.runners.deaths import Deaths
from tests.waiting import wait_until

QUICK = partial(Deaths, backoff=(0.01,))


def python(code):
    return [sys.executable, "-c", code]


def supervise(*codes, signals=None, **kwargs):
    told = []
    supervisor = Supervisor(
        [python(code) for code in codes], write=told.append, deaths_class=QUICK, **kwargs
    )
    return supervisor.run(signals or StopSignals()), told


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([0, 0], 0), ([0, 3], 3), ([3, 5], 5), ([5, 1, 0], 1), ([0, -9], 1), ([2, 3], 2)],
)
def test_the_worst_code_sums_up_all(codes, code):
    assert summed(codes) == code


def test_once_each_process_ends_once():
    assert supervise("raise SystemExit(3)", "pass", once=True) == (3, [])


def test_codes_that_are_final_end_a_process():
    assert supervise("raise SystemExit(3)", final=(3,)) == (3, [])


def test_a_process_that_ends_unasked_is_started_again(tmp_path):
    starts = tmp_path / "starts"
    code = (
        f"from pathlib import Path; starts = Path({str(starts)!r}).open('a+'); starts.write('.');"
        "raise SystemExit(7 if starts.tell() < 3 else 3)"
    )

    ended, told = supervise(code, final=(3,))

    assert (ended, starts.read_text()) == (3, "...")
    assert [line.partition(" has ")[2] for line in told] == [
        "ended with 7; it is started again in 0.01 s."
    ] * 2


def test_a_process_that_dies_again_and_again_ends_all():
    code, told = supervise("import os; os.kill(os.getpid(), 9)", "import time; time.sleep(60)")

    assert code == 1
    assert told[-1].endswith(" has been ended by SIGKILL, again and again: all are stopped.")


def test_a_signal_is_handed_on_and_waited_for(tmp_path):
    ready = tmp_path / "ready"
    code = (
        "import signal, time, pathlib;"
        "signal.signal(signal.SIGTERM, lambda *a: exit(5));"
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    )
    signals, ends = StopSignals(), []

    thread = Thread(target=lambda: ends.append(supervise(code, signals=signals)))
    thread.start()
    wait_until(ready.exists, "started")
    signals.received = "SIGTERM"
    thread.join(20)

    assert ends == [(5, [])]


def test_a_reload_is_no_death(tmp_path):
    starts = tmp_path / "starts"
    code = (
        f"from pathlib import Path; starts = Path({str(starts)!r}).open('a+'); starts.write('.');"
        "raise SystemExit(3 if starts.tell() < 9 else 2)"
    )

    assert supervise(code, final=(2, 3), is_reloading=True) == (2, [])
    assert starts.read_text() == "." * 9


def test_code_that_fails_at_once_is_tried_again_when_code_changes(tmp_path, monkeypatch):
    module = tmp_path / "kennel.py"
    module.touch()
    monkeypatch.setattr(autoreload, "iter_all_python_module_files", lambda: {module})
    starts = tmp_path / "starts"
    code = (
        f"from pathlib import Path; starts = Path({str(starts)!r}).open('a+'); starts.write('.');"
        "raise SystemExit(1 if starts.tell() < 2 else 2)"
    )
    ends, told = [], []
    supervisor = Supervisor(
        [python(code)],
        final=(2,),
        is_reloading=True,
        write=told.append,
        deaths_class=partial(Deaths, backoff=(600,)),
    )
    thread = Thread(target=lambda: ends.append(supervisor.run(StopSignals())))
    thread.start()
    wait_until(lambda: told, "ended")

    os.utime(module, (1, 1))
    thread.join(20)

    assert ends == [2]
    assert [line.partition(" has ")[2] for line in told] == [
        "ended with 1; it is started again in 600 s, or when code changes."
    ]


def test_an_abort_kills():
    supervisor = Supervisor([python("import time; time.sleep(60)")], once=True)
    thread = Thread(target=lambda: codes.append(supervisor.run(StopSignals())))
    codes = []
    thread.start()
    wait_until(lambda: supervisor._children[0].pid is not None, "started")

    supervisor.abort()
    thread.join(20)

    assert codes == [1]
    assert supervisor._children[0].code == -signal.SIGKILL


def test_another_process_gets_the_same_options():
    from django.core.management.base import CommandParser

    parser = CommandParser()
    add_arguments(parser)
    given = ["school", "--only=Counters", "--only=Tally", "--once", "--threads=2"]
    given += ["--max-wait=0", "--no-listen", "--log-format=json", "--worker-name=barn"]
    options = vars(parser.parse_args([*given, "--processes=3"]))
    options["reload"] = False

    command, *arguments = child_arguments(options, number=2, parent=os.getpid())

    assert command == "run_system"
    again = vars(parser.parse_args(arguments))
    changed = {"worker_name": "barn-2", "processes": None, "parent": os.getpid()}
    assert again == options | changed


def test_the_program_is_djangos_where_this_process_is_another():
    assert program(is_own=False) == [sys.executable, "-m", "django"]
