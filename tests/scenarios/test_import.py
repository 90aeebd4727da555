"""An event log, from the file to the follower's counts, on each database."""

import re

import pytest

from tests.scenarios.event_logs import CountedLog
from tests.scenarios.project import Project


def processed(output: str) -> dict[str, int]:
    """Return how many notifications each follower has processed, from the summary table."""
    rows = re.findall(
        r"^(\w+) +(?:\w+) +\S+ +\S+ +(\S+) +\S+ +caught up$", output, flags=re.MULTILINE
    )
    return {name: int(number.replace(",", "").replace("-", "0")) for name, number in rows}


def summary(output: str) -> dict[str, int]:
    """Return the numbers of the summary of an import."""
    rows = re.findall(r"^  (\w[\w ]*\w) +([\d,]+)$", output, flags=re.MULTILINE)
    return {name: int(number.replace(",", "")) for name, number in rows}


def check(project: Project, event_log: CountedLog) -> None:
    """Check that each event has been recorded, and counted, exactly once."""
    assert project.events("PermitCases") == event_log.events
    assert project.counts() == dict(event_log.activities)


@pytest.mark.long_elsewhere("mariadb")
def test_import_then_run_and_both_again(project: Project, event_log: CountedLog) -> None:
    assert summary(project.run("import_cases", event_log.path)) == {
        "rows read": event_log.rows,
        "recorded": event_log.rows,
        "recorded before": 0,
        "bad": 0,
        "cases opened": event_log.cases,
    }
    assert processed(project.run("run_system", "--once"))["CaseStatistics"] == event_log.events
    counted = project.events("CaseStatistics")
    check(project, event_log)

    assert summary(project.run("import_cases", event_log.path))["recorded"] == 0
    assert set(processed(project.run("run_system", "--once")).values()) == {0}
    assert project.events("CaseStatistics") == counted
    check(project, event_log)


@pytest.mark.long_elsewhere("postgres")
def test_import_while_the_system_runs(project: Project, event_log: CountedLog) -> None:
    system = project.start("run_system")
    system.wait_for("polling")

    project.run("import_cases", event_log.path, "--batch-size=20")
    system.wait_until(project.has_caught_up, "the statistics have caught up")
    system.stop()

    check(project, event_log)


@pytest.mark.long_elsewhere("mariadb")
@pytest.mark.faults
def test_two_imports_at_the_same_time(project: Project, event_log: CountedLog) -> None:
    imports = [project.start("import_cases", event_log.path, "--batch-size=20") for _ in range(2)]

    outputs = [process.join() for process in imports]
    project.run("run_system", "--once")

    assert sum(summary(output)["recorded"] for output in outputs) == event_log.rows
    check(project, event_log)


@pytest.mark.long_elsewhere("default")
@pytest.mark.faults
def test_the_import_is_killed_on_the_way(project: Project, event_log: CountedLog) -> None:
    for _ in range(3):
        before = project.events("PermitCases")
        process = project.start("import_cases", event_log.path, "--batch-size=10")
        process.wait_until(
            lambda before=before: project.events("PermitCases") > before, "rows recorded"
        )
        process.kill()

    project.run("import_cases", event_log.path)
    project.run("run_system", "--once")

    check(project, event_log)


@pytest.mark.long_elsewhere("postgres")
@pytest.mark.faults
def test_the_system_is_killed_three_times_while_the_import_runs(
    project: Project, event_log: CountedLog
) -> None:
    importing = project.start("import_cases", event_log.path, "--batch-size=10")
    kill_three_times(project, batch_size=10)

    importing.join()
    project.run("run_system", "--once")

    check(project, event_log)


def kill_three_times(project: Project, batch_size: int) -> None:
    """Start the system, and kill it once it has moved on; three times."""
    for _ in range(3):
        before = project.position("CaseStatistics")
        system = project.start("run_system", f"--batch-size={batch_size}")
        system.wait_until(
            lambda before=before: project.position("CaseStatistics") > before,
            "the statistics have moved on",
        )
        system.kill()
