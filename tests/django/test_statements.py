"""Statements: names and values are parameters, and what is read is one application's alone."""

import re

import pytest

from django_eventsourcing import get_system
from django_eventsourcing.models import (
    DeadLetterRecord,
    SnapshotRecord,
    StoredEventRecord,
    TrackingRecord,
)
from django_eventsourcing.registry import reset
from eventsourcing.system import System
from tests.core.school import Counters, DogSchool
from tests.django.commands.calls import call
from tests.django.runners.test_segments import run_once
from tests.django.statements import Statements

CANARY = "canary-4a81"
HOSTILE = f"""{CANARY}' OR '1'='1" OR "1"="1`; DROP TABLE dogs; --%s%(a)s\\"""
SCHOOL, OFFICE = f"School {HOSTILE}", f"Office {HOSTILE}"
TABLES = [
    model._meta.db_table
    for model in (StoredEventRecord, SnapshotRecord, TrackingRecord, DeadLetterRecord)
]
COMMANDS = [
    ["es_status"],
    ["es_events", SCHOOL],
    ["es_deadletters"],
    ["es_pause", OFFICE, "--reason", HOSTILE],
    ["es_resume", OFFICE],
    ["es_retry", OFFICE],
]


class School(DogSchool):
    name = SCHOOL
    is_snapshotting_enabled = True


class Office(Counters):
    """Counts; fails at bad tricks."""

    name = OFFICE

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", "").startswith("bad"):
            raise ValueError(domain_event.trick)
        super().policy(domain_event, processing_event)


hostile_system = System(pipes=[[School, Office]])


@pytest.fixture
def statements(settings, database):
    """What is asked while a system whose every name and value is hostile does all that it does."""
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": f"{__name__}.hostile_system",
            "DATABASE": database,
            "OPTIONS": {"ON_ERROR": {"retries": 0, "then": "park"}},
        }
    }
    statements = Statements()
    with statements.collected():
        school = get_system().get(School)
        dog_id = school.register_dog(HOSTILE)
        for trick in (HOSTILE, f"bad {HOSTILE}", "sit"):
            school.add_trick(dog_id, trick)
        school.take_snapshot(dog_id)
        run_once(get_system())
        # 2 would be a mistake of whoever calls them: all that they are asked for is found.
        assert 2 not in {call(*command)[0] for command in COMMANDS}
        assert school.get_dog(dog_id)["tricks"] == (HOSTILE, f"bad {HOSTILE}", "sit")
    yield statements
    reset()


def test_names_and_values_are_parameters(statements):
    assert any(CANARY in str(parameters) for parameters in statements.parameters)
    assert [sql for sql in statements.sql if CANARY in sql] == []


def test_records_are_read_and_changed_by_the_application_that_they_are_of(statements):
    found = [
        sql
        for sql in statements.sql
        if any(table in sql for table in TABLES) and not sql.startswith("INSERT")
    ]
    unnamed = [sql for sql in found if not re.search("application_name.? (=|>=|IN)", sql)]

    assert len(found) > 20
    # Where commits have come to is read from ids alone, those of all applications.
    assert [
        sql for sql in unnamed if re.search("originator|topic|state|notification_id", sql)
    ] == []
