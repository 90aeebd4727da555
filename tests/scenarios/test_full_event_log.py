"""The real event log as a whole: 8,577 activities, counted exactly once whatever happens."""

import pytest

from tests.scenarios.event_logs import ABSENT, RECEIPT, CountedLog, count
from tests.scenarios.project import Project
from tests.scenarios.test_import import check, kill_three_times, processed, summary

pytestmark = [
    pytest.mark.stress,
    pytest.mark.skipif(not RECEIPT.exists(), reason=ABSENT.partition(":")[0]),
]


@pytest.fixture
def event_log() -> CountedLog:
    """Return the real event log."""
    return count(RECEIPT)


def test_the_file_is_the_one_that_is_meant(event_log: CountedLog) -> None:
    assert (event_log.rows, event_log.cases, len(event_log.activities)) == (8577, 1434, 27)


def test_import_then_run_and_both_again(project: Project, event_log: CountedLog) -> None:
    assert summary(project.run("import_cases", event_log.path))["recorded"] == event_log.rows
    assert processed(project.run("run_system", "--once"))["CaseStatistics"] == event_log.events
    counted = project.events("CaseStatistics")
    check(project, event_log)

    assert summary(project.run("import_cases", event_log.path))["recorded"] == 0
    assert processed(project.run("run_system", "--once"))["CaseStatistics"] == 0
    assert project.events("CaseStatistics") == counted
    check(project, event_log)


def test_import_while_the_system_runs(project: Project, event_log: CountedLog) -> None:
    system = project.start("run_system")
    system.wait_for("polling")

    project.run("import_cases", event_log.path)
    system.wait_until(project.has_caught_up, "the statistics have caught up", 300)
    system.stop()

    check(project, event_log)


def test_the_system_is_killed_three_times(project: Project, event_log: CountedLog) -> None:
    project.run("import_cases", event_log.path)
    kill_three_times(project, batch_size=100)

    project.run("run_system", "--once")

    check(project, event_log)
