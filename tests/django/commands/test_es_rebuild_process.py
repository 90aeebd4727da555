"""Rebuilds beside ``run_system``, and rebuilds that are killed: nothing is lost, nothing doubled."""

import random
import signal
import subprocess
import sys
import threading

import pytest
from django.db import connections

from django_eventsourcing import get_system
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.registry import ConfiguredSystem
from tests.databases import on
from tests.django.commands.calls import call
from tests.django.commands.processes import ROOT, Manage, child_environment, manage
from tests.django.commands.test_es_rebuild import KINDS, configured
from tests.django.projections.rebuilds import (
    add_tricks,
    computed,
    positions,
    record_of,
    rows,
    spoil,
)
from tests.django.projections.rebuilt import DogSchool
from tests.django.runners.test_segments import run_once
from tests.django.schools import teach
from tests.waiting import wait_until

__all__ = ["configured"]

pytestmark = pytest.mark.faults

SHADOW_IN_EACH_RUN = pytest.mark.parametrize(
    "kind",
    [
        pytest.param((), id="in place", marks=pytest.mark.stress),
        pytest.param(("--shadow",), id="shadow"),
    ],
)


class Writer(threading.Thread):
    """Adds tricks until it is told to stop."""

    def __init__(self):
        super().__init__(daemon=True)
        self._stopping = threading.Event()
        self._school = ConfiguredSystem(get_system().config).get(DogSchool)

    def run(self):
        try:
            while not self._stopping.wait(0.02):
                teach(self._school, ["sit", "beg"])
        finally:
            connections.close_all()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *args):
        self._stopping.set()
        self.join()


@pytest.fixture
def env(database):
    """Return what sends the models of processes to the database of the test."""
    return {"TEST_ROUTERS": f'["tests.django.commands.routers.To{database.capitalize()}"]'}


@pytest.mark.long_elsewhere("postgres")
@SHADOW_IN_EACH_RUN
def test_it_works_beside_workers_and_writers(configured, database, env, kind):
    setting = configured()
    add_tricks()
    with (
        Manage("run_system", eventsourcing=setting, env=env),
        Manage("run_system", eventsourcing=setting, env=env),
    ):
        wait_until(lambda: rows(database) == computed(), "processed", 60)
        spoil(database)
        with Writer():
            code, text = manage(
                "es_rebuild", "Board", "--noinput", *kind, eventsourcing=setting, env=env
            )
            assert code == 0, text

        wait_until(lambda: rows(database) == computed(), "all of it, once", 60)
    assert set(positions(database)) == {"Board"}


@pytest.mark.long_elsewhere("mariadb")
@SHADOW_IN_EACH_RUN
def test_killed_again_and_again_beside_workers_it_completes_in_the_end(
    configured, database, env, kind
):
    setting = configured()
    for _ in range(20):
        add_tricks()
    run_once(get_system())
    spoil(database)
    slow = env | {"TEST_BOARD_SECONDS": "0.005"}
    chance = random.Random(f"{database}{kind}")
    arguments = ("es_rebuild", "Board", "--noinput", "--batch-size=5", *kind)
    with Manage("run_system", eventsourcing=setting, env=env), Writer():
        for _ in range(4):
            with Manage(*arguments, eventsourcing=setting, env=slow) as command:
                wait_until(lambda c=command: "replays" in c.output, "begun", 60)
                try:
                    command.wait(chance.uniform(0, 2.0))
                except subprocess.TimeoutExpired:
                    command.kill()

        code, text = manage(*arguments, eventsourcing=setting, env=env)

        assert code == 0, text
    run_once(get_system())
    assert rows(database) == computed()
    assert set(positions(database)) == {"Board"}
    assert not record_of(database).kind


DYING = """
import os, signal, sys
import django
django.setup()
from django_eventsourcing import get_system
from django_eventsourcing.draining import Drain
from django_eventsourcing.projections.tables import ShadowTables
from django_eventsourcing.projections.tables.mysql import MySQLTablesAside
from django_eventsourcing.rebuilding import InPlaceRebuild, ShadowRebuild
from django_eventsourcing.rebuilding.records import ProjectionRows

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

def die_after(cls, name):
    method = getattr(cls, name)
    setattr(cls, name, lambda *args, **kwargs: (method(*args, **kwargs), die()))

kind, point = sys.argv[1:]
if point == "paused":
    Drain._wait = die
elif point == "cleared":
    die_after(InPlaceRebuild, "_begin_anew")
elif point == "emptied":
    InPlaceRebuild._replay = die
elif point == "made":
    die_after(ShadowTables, "create")
elif point == "filled":
    ShadowRebuild._take_over = die
elif point == "held":
    ShadowRebuild._swap = die
elif point == "retired":
    ShadowTables.swap = die
elif point == "renamed":
    die_after(MySQLTablesAside, "_rename")
elif point == "moved":
    MySQLTablesAside._finish = die
    die_after(ShadowRebuild, "_move_positions")
elif point == "done":
    ProjectionRows.finish = die
elif point == "swapped":
    die_after(ShadowTables, "swap")
(ShadowRebuild if kind == "shadow" else InPlaceRebuild)(get_system(), "Board").run()
"""
IN_PLACE = ["paused", "cleared", "emptied", "done"]
BEFORE_SWAP = ["made", "filled", "paused", "held"]
IN_SWAP = ["retired", "renamed", "moved", "done", "swapped"]


def killed(kind, points, alias):
    """Return what kills at these points, with the database on which each run does."""
    mark = pytest.mark.long_elsewhere(alias)
    return [pytest.param(kind, point, marks=mark) for point in points]


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        *killed("in place", IN_PLACE, "default"),
        *killed("shadow", BEFORE_SWAP, "postgres"),
        *killed("shadow", IN_SWAP, "mariadb"),
    ],
)
def test_killed_at_any_point_it_completes_when_it_is_run_again(
    configured, database, env, kind, point
):
    if point in ("retired", "renamed") and database != "mariadb":
        pytest.skip("tables are swapped in one transaction")
    setting = configured(applications={"Board": {"SEGMENTS": 2}})
    add_tricks()
    run_once(get_system())
    spoil(database)
    process = subprocess.run(
        [sys.executable, "-c", DYING, kind, point],
        cwd=ROOT,
        env={**child_environment(setting), **env},
        check=False,
        timeout=60,
    )
    assert process.returncode == -signal.SIGKILL
    add_tricks("sit")

    option = ["--shadow"] if kind == "shadow" else []
    code, text = call("es_rebuild", "Board", "--noinput", *option)

    assert code == 0, text
    run_once(get_system())
    assert rows(database) == computed()
    assert set(positions(database)) == {"Board[1/2]", "Board[2/2]"}
    paused = FollowerRecord.objects.using(database).filter(desired_state="paused")
    assert not paused.exists()
    assert not record_of(database).kind


@on("mariadb")
def test_while_tables_are_swapped_in_steps_nobody_processes(configured, database, env):
    setting = configured()
    add_tricks()
    run_once(get_system())
    subprocess.run(
        [sys.executable, "-c", DYING, "shadow", "renamed"],
        cwd=ROOT,
        env={**child_environment(setting), **env},
        check=False,
        timeout=60,
    )
    add_tricks("sit")

    code, text = call("run_system", "--once", "--noreload")

    assert code == 1
    assert (
        "Board has no position in DogSchool that is in force: its tables are being swapped.  HINT: "
        "If nobody is at it any more, complete it by 'manage.py es_rebuild Board --shadow'."
    ) in text
    assert call("es_rebuild", "Board", "--noinput") == (
        1,
        (
            "Board: tables are being swapped, and nobody processes it until that is done.  HINT: "
            "Complete it: manage.py es_rebuild Board --shadow"
        ),
    )
    assert call("es_rebuild", "Board", "--noinput", "--shadow")[0] == 0
    run_once(get_system())
    assert rows(database) == computed()


@pytest.mark.long_elsewhere("postgres")
def test_workers_go_on_with_what_was_killed_in_place(configured, database, env):
    setting = configured()
    add_tricks()
    run_once(get_system())
    process = subprocess.run(
        [sys.executable, "-c", DYING, "in place", "emptied"],
        cwd=ROOT,
        env={**child_environment(setting), **env},
        check=False,
        timeout=60,
    )
    assert process.returncode == -signal.SIGKILL
    assert rows(database) == {}
    words = "was ended before it was done: its workers go on with it"
    assert words in call("es_status")[1]

    with Manage("run_system", eventsourcing=setting, env=env):
        wait_until(lambda: rows(database) == computed(), "filled again", 60)

    assert words not in call("es_status")[1]
    run_once(get_system())
    call("run_system", "--once", "--noreload")
    assert not record_of(database).kind


@pytest.mark.long_elsewhere("default")
def test_a_signal_ends_it_well(configured, database, env):
    setting = configured()
    for _ in range(40):
        add_tricks()
    env["TEST_BOARD_SECONDS"] = "0.02"
    with Manage(
        "es_rebuild", "Board", "--noinput", "--shadow", "--batch-size=5",
        eventsourcing=setting, env=env,
    ) as command:  # fmt: skip
        wait_until(lambda: positions(database).get("Board[shadow]", 0) > 0, "filling", 60)
        command.send(signal.SIGTERM)

        assert command.wait() == 1
        assert (
            "Board was not rebuilt to the end: stopped.  HINT: Run this again: it goes on from "
            "there."
        ) in command.output
    assert call("es_rebuild", "Board", "--noinput", "--shadow")[0] == 0
    assert rows(database) == computed()


@pytest.mark.long_elsewhere("default")
@KINDS
def test_a_second_one_beside_it_is_refused(configured, database, env, kind):
    setting = configured()
    for _ in range(40):
        add_tricks()
    env["TEST_BOARD_SECONDS"] = "0.02"
    with Manage(
        "es_rebuild", "Board", "--noinput", "--batch-size=5", *kind, eventsourcing=setting, env=env
    ) as command:
        wait_until(lambda: min(map(bool, positions(database).values()), default=False), "on", 60)

        code, text = call("es_rebuild", "Board", "--noinput")

        assert code == 1
        how = "by shadow" if kind else "in place"
        assert text.startswith(f"Board is being rebuilt {how} by es_rebuild (")
        assert f", process {command._process.pid}), since " in text
        assert f"Board is being rebuilt {how} by es_rebuild (" in call("es_status")[1]
