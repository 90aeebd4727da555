"""A database that was never migrated: each command names the remedy."""

import json
import subprocess
import sys

import pytest

from tests.django.commands.processes import ROOT, child_environment

COMMANDS = [
    ["es_status"],
    ["es_health"],
    ["es_pause", "Counters", "--reason=prices"],
    ["es_pause", "Counters"],
    ["es_resume", "Counters"],
    ["es_retry", "Counters"],
    ["es_retry", "Counters", "--dry-run"],
    ["es_skip", "Counters", "--reason=a joke"],
    ["es_skip", "Counters", "--reason=a joke", "--notification=1"],
    ["es_deadletters"],
    ["es_deadletters", "--discard=1", "--reason=a joke"],
    ["es_segments", "Counters"],
    ["es_sync", "Counters", "--off"],
    ["es_rebuild", "Board", "--noinput"],
    ["es_reset", "Counters", "DogSchool", "--to=0", "--reason=a joke", "--noinput"],
    ["es_verify"],
    ["es_events", "DogSchool"],
    ["es_events", "DogSchool", "--newest"],
    ["es_events", "DogSchool", "--follow"],
    ["es_aggregate", "DogSchool", "4a81e2b0-1b7e-4b0f-9a55-0d1e3c1f8a11"],
    ["es_trace", "DogSchool:1"],
    ["run_system", "--once"],
]
ROUTERS = {"TEST_ROUTERS": '["tests.django.commands.routers.ToFresh"]'}
# One process for all: each would take a second to start.
PROGRAM = """
import json, sys
import django
django.setup()
from tests.django.commands.calls import call
print(json.dumps([call(*command) for command in json.loads(sys.argv[1])]))
"""


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """Return how each command ends."""
    fresh = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path_factory.mktemp("fresh") / "db.sqlite3"),
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
    setting = {
        "default": {"SYSTEM": "tests.django.projections.boards.wide_system", "DATABASE": "fresh"}
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(COMMANDS)],
        cwd=ROOT,
        env=child_environment(setting, {"fresh": fresh}) | ROUTERS,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return {" ".join(c): end for c, end in zip(COMMANDS, json.loads(done.stdout), strict=True)}


@pytest.mark.parametrize("command", [" ".join(command) for command in COMMANDS])
def test_each_command_names_the_remedy(ends, command):
    code, text = ends[command]

    assert code == 1
    assert "Database 'fresh' " in text
    assert "manage.py migrate --database fresh" in text


def test_all_commands_are_tried():
    commands = (ROOT / "django_eventsourcing" / "management" / "commands").glob("[!_]*.py")

    assert {each.stem for each in commands} == {command[0] for command in COMMANDS}
