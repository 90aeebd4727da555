"""The board of cases: the rows are those that a direct computation from the file gives."""

import random
import time

import pytest

from django_eventsourcing import get_system, registry
from eventsourcing.application import LocalNotificationLog
from example_project.permits.application import PermitCases
from example_project.permits.board import CaseBoard
from example_project.permits.event_log import read_event_log
from example_project.permits.models import CaseRow, ResourceLoad
from tests.django.commands.processes import Manage, manage
from tests.django.commands.routers import ToDefault, ToMariadb, ToPostgres
from tests.example.case_boards import expected_loads, expected_rows, record_all, rows_of
from tests.scenarios.event_logs import real_or_sample
from tests.waiting import wait_until

FEW = 1_500
ROUTERS = {"default": ToDefault, "postgres": ToPostgres, "mariadb": ToMariadb}


@pytest.fixture
def setting(settings, database):
    """Return the setting of a system that keeps the board in the database."""
    settings.DATABASE_ROUTERS = [ROUTERS[database]()]
    settings.EVENTSOURCING = {
        "default": {
            "PIPES": [
                [
                    "example_project.permits.application.PermitCases",
                    "example_project.permits.board.CaseBoard",
                ]
            ],
            "DATABASE": database,
        }
    }
    yield settings.EVENTSOURCING
    registry.reset()


@pytest.fixture
def assert_rows(database):
    """Return what compares the tables with a direct computation from these rows of a file."""

    def compare(rows):
        assert rows_of(database) == expected_rows(rows)
        loads = ResourceLoad.objects.using(database).values_list("resource", "activities")
        assert dict(loads) == expected_loads(rows)

    return compare


def file_rows(number=None):
    return read_event_log(real_or_sample()).rows[:number]


@pytest.mark.parametrize(
    ("batch_size", "number"),
    [
        pytest.param(1, 200, marks=pytest.mark.long_elsewhere("mariadb")),
        pytest.param(10, FEW, marks=pytest.mark.long_elsewhere("default")),
        pytest.param(1000, None, marks=pytest.mark.long_elsewhere("postgres")),
        pytest.param(1, None, marks=pytest.mark.stress),
        pytest.param(10, None, marks=pytest.mark.stress),
    ],
)
def test_rows_are_those_of_the_file_whatever_the_batch(setting, assert_rows, batch_size, number):
    rows = file_rows(number)
    cases, board = get_system().get(PermitCases), get_system().get(CaseBoard)
    record_all(cases, rows)
    board.follow("PermitCases", LocalNotificationLog(cases.recorder, batch_size), cases.mapper)

    while board.process_batch("PermitCases", batch_size):
        pass

    assert_rows(rows)


@pytest.mark.long_elsewhere("postgres")
@pytest.mark.faults
@pytest.mark.parametrize(
    ("kills", "number"), [(3, FEW), pytest.param(20, None, marks=pytest.mark.stress)]
)
def test_killed_at_random_points_and_rebuilt_they_still_are(
    setting, assert_rows, database, kills, number
):
    rows = file_rows(number)
    cases, board = get_system().get(PermitCases), get_system().get(CaseBoard)
    record_all(cases, rows)
    env = {"TEST_ROUTERS": f'["tests.django.commands.routers.To{database.capitalize()}"]'}
    slow = {"OPTIONS": {"BATCH_SIZE": max(1, len(rows) // (kills * 10))}}
    slowly = {"default": {**setting["default"], **slow}}

    def position():
        return board.recorder.max_tracking_id("PermitCases")

    for _ in range(kills):
        before = position()
        with Manage("run_system", eventsourcing=slowly, env=env) as runner:
            wait_until(lambda before=before: position() != before, "it has gone on", 60)
            time.sleep(random.uniform(0, 0.1))  # The point at which it is killed.
            runner.kill()
        if position() == cases.recorder.max_notification_id():
            break
    assert manage("run_system", "--once", eventsourcing=setting, env=env)[0] == 0
    assert_rows(rows)

    CaseRow.objects.using(database).filter(activities__gt=3).update(state="by hand")
    rebuild = ("es_rebuild", "CaseBoard", "--noinput")
    assert manage(*rebuild, eventsourcing=setting, env=env)[0] == 0
    assert_rows(rows)

    CaseRow.objects.using(database).filter(activities__gt=3).delete()
    assert manage(*rebuild, "--shadow", eventsourcing=setting, env=env)[0] == 0
    assert_rows(rows)


def test_what_is_longer_than_a_column_is_cut(setting, database):
    row = file_rows(1)[0]
    long = "n" * 300
    case = type(row.case)(**{**vars(row.case), "responsible": long})
    activity = type(row.activity)(**{**vars(row.activity), "resource": long, "name": long})
    cases, board = get_system().get(PermitCases), get_system().get(CaseBoard)
    cases.record(case, activity)
    board.follow("PermitCases", cases.notification_log, cases.mapper)

    board.pull_and_process("PermitCases")

    shown = CaseRow.objects.using(database).get()
    assert (shown.responsible, shown.state) == (long[:255], long[:255])
    assert ResourceLoad.objects.using(database).get().resource == long[:255]
