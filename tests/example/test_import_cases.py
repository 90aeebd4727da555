"""The command `import_cases`: each row is recorded once, or nothing is."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from django_eventsourcing import get_application
from eventsourcing.persistence import IntegrityError
from example_project.permits.application import CaseStatistics, PermitCases
from example_project.permits.event_log import read_event_log
from example_project.permits.importing import Comparison, Importer, ImportFailedError
from example_project.permits.management.commands.import_cases import Command
from tests.example.catching_up import catch_up
from tests.example.conftest import ROW, WriteRows, task, write_csv

pytestmark = pytest.mark.usefixtures("system")


def import_cases(path: Path, **options: Any) -> str:
    out = StringIO()
    call_command("import_cases", path, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def refused(path: Path, **options: Any) -> tuple[str, str]:
    """Return the error of an import that is refused, and what is said of the bad rows."""
    err = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("import_cases", path, stdout=StringIO(), stderr=err, **options)
    assert caught.value.returncode == 1
    return str(caught.value), err.getvalue()


def summary(text: str) -> dict[str, str]:
    """Return the lines of the summary, without the rate."""
    lines = [line.rsplit(maxsplit=1) for line in text.splitlines() if line.startswith("  ")]
    return {name.strip(): count for name, count in lines if name.strip() != "rate"}


def activities(case_id: str = "case-1") -> list[str]:
    case = get_application(PermitCases).find_case(case_id)
    return list(case.activities) if case else []


def test_rows_are_recorded_in_the_order_of_time(write_rows: WriteRows) -> None:
    import_cases(write_rows(task(3), task(1), task(2)))

    assert activities() == ["task-1", "task-2", "task-3"]


def test_the_summary_counts_all_rows(write_rows: WriteRows) -> None:
    other = {"case:concept:name": "case-2"}

    text = import_cases(write_rows(task(1), task(2), task(3, **other)))

    assert summary(text) == {
        "rows read": "3",
        "recorded": "3",
        "recorded before": "0",
        "bad": "0",
        "cases opened": "2",
    }
    assert "log.csv: 3 good rows of 2 cases, 0 recorded before." in text
    assert "import_cases +3" in text


def test_one_row_is_counted_in_the_singular(write_rows: WriteRows) -> None:
    text = import_cases(write_rows(task(1)))

    assert "log.csv: 1 good row of 1 case, 0 recorded before." in text


def test_a_file_without_rows_is_worth_a_warning(write_rows: WriteRows) -> None:
    path, err = write_rows(), StringIO()

    call_command("import_cases", path, stdout=StringIO(), stderr=err)

    assert err.getvalue() == f"WARNING: {path} has no rows below its header: nothing to record.\n"


def test_a_second_import_records_nothing_twice(write_rows: WriteRows) -> None:
    path = write_rows(task(1), task(2))
    import_cases(path)

    text = import_cases(path)

    assert summary(text)["recorded"] == "0"
    assert summary(text)["recorded before"] == "2"
    assert activities() == ["task-1", "task-2"]
    assert get_application(PermitCases).recorder.max_notification_id() == 3


def test_a_longer_file_goes_on_where_the_shorter_ended(write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1), task(2)))

    text = import_cases(write_rows(task(1), task(2), task(3)))

    assert summary(text)["recorded"] == "1"
    assert summary(text)["cases opened"] == "0"
    assert activities() == ["task-1", "task-2", "task-3"]


def test_an_import_that_ends_half_way_is_taken_up_again(
    write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_rows(*(task(number) for number in range(10)))
    record = PermitCases.record

    def interrupted(self: PermitCases, case: Any, activity: Any) -> Any:
        if activity.instance == "task-5":
            raise KeyboardInterrupt
        return record(self, case, activity)

    monkeypatch.setattr(PermitCases, "record", interrupted)
    with pytest.raises(CommandError) as caught:
        import_cases(path, batch_size=2)
    monkeypatch.undo()

    assert str(caught.value) == (
        "Interrupted after 4 of 10 rows. What has been recorded stays: run the same command "
        "again to go on."
    )
    assert caught.value.returncode == 130
    assert summary(import_cases(path))["recorded"] == "6"
    assert activities() == [f"task-{number}" for number in range(10)]


def test_a_bad_row_keeps_all_rows_from_being_recorded(write_rows: WriteRows) -> None:
    path = write_rows(task(1), task(2, **{"time:timestamp": "soon"}))

    error, bad_rows = refused(path)

    assert error == (
        f"1 bad row in {path}: nothing has been recorded. Correct the file, or record the good "
        f"rows alone with --skip-bad-rows."
    )
    assert bad_rows == (
        "line 3, time:timestamp: 'soon' is not a timestamp. "
        "Write it like 2011-10-11 13:45:40.276000+02:00.\n"
    )
    assert activities() == []


def test_bad_rows_can_be_skipped(write_rows: WriteRows) -> None:
    path = write_rows(task(1), task(2, **{"time:timestamp": "soon"}), task(3))

    text = import_cases(path, skip_bad_rows=True)

    assert summary(text)["rows read"] == "3"
    assert summary(text)["bad"] == "1"
    assert activities() == ["task-1", "task-3"]


def test_bad_rows_are_told_in_the_order_of_lines(write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1), task(2)))

    _, bad_rows = refused(
        write_rows(task(2, **{"concept:name": "Another"}), task(3, **{"concept:name": ""}), task(1))
    )

    assert [line.split(":")[0] for line in bad_rows.splitlines()] == [
        "line 2, concept",
        "line 3, concept",
    ]


def test_an_activity_that_was_recorded_differently_is_a_bad_row(write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1)))

    _, bad_rows = refused(write_rows(task(1, **{"org:resource": "Resource99"})))

    assert bad_rows == (
        "line 2, org:resource: 'Resource99' differs from 'Resource21', which has been recorded "
        "for case 'case-1', and events are not changed. Correct the row, or remove it.\n"
    )


def test_an_activity_that_another_process_records_differently_meanwhile(
    write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compare_too_early(permit_cases: PermitCases, rows: Any) -> Comparison:
        return Comparison(new=rows, already=0, bad_rows=[])

    import_cases(write_rows(task(1)))
    monkeypatch.setattr(f"{Command.__module__}.compare", compare_too_early)

    error, _ = refused(write_rows(task(1, **{"org:resource": "Resource99"})))

    assert error.startswith("Case case-1 has recorded 'Confirmation of receipt'")
    assert error.endswith("run the same command again to go on.")


def test_a_case_that_was_recorded_differently_is_a_bad_row(write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1)))

    _, bad_rows = refused(write_rows(task(2, **{"case:channel": "Desk"})))

    assert bad_rows == (
        "line 2, case:channel: 'Desk' differs from 'Internet', which has been recorded for case "
        "'case-1', and events are not changed. Correct the row, or remove it.\n"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error, _ = refused(tmp_path / "none.csv")

    assert error == f"{tmp_path / 'none.csv'} cannot be read: No such file or directory."


def test_a_file_without_a_column(tmp_path: Path) -> None:
    header = [column for column in ROW if column != "concept:instance"]

    error, _ = refused(write_csv(tmp_path / "log.csv", header, []))

    assert "log.csv has no column concept:instance. Name the columns" in error


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_batch_size_that_is_none(write_rows: WriteRows, value: str) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("import_cases", str(write_rows(task(1))), f"--batch-size={value}")

    assert f"{value!r} is not a number from 1 up." in str(caught.value)


@pytest.mark.parametrize(
    "passing", [IntegrityError("taken"), OperationalError("database is locked")], ids=repr
)
def test_an_import_is_patient(
    write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch, passing: Exception
) -> None:
    rows = read_event_log(write_rows(task(1), task(2))).rows
    permit_cases = get_application(PermitCases)
    record, errors = permit_cases.record, [passing, passing]

    def refuse_at_first(case: Any, activity: Any) -> Any:
        if errors:
            raise errors.pop()
        return record(case, activity)

    monkeypatch.setattr(permit_cases, "record", refuse_at_first)
    pauses: list[float] = []

    list(Importer(permit_cases, "default", sleep=pauses.append).record(rows))

    assert activities() == ["task-1", "task-2"]
    assert pauses == [0.05, 0.1]


def test_patience_ends(write_rows: WriteRows, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_event_log(write_rows(task(1))).rows
    permit_cases = get_application(PermitCases)

    def refuse(case: Any, activity: Any) -> Any:
        raise OperationalError("database is locked")

    monkeypatch.setattr(permit_cases, "record", refuse)

    with pytest.raises(ImportFailedError) as caught:
        list(Importer(permit_cases, "default", sleep=lambda _: None).record(rows))

    assert str(caught.value) == (
        "Line 2 and the rows after it in time could not be recorded in 9 attempts: "
        "database is locked"
    )


def test_the_follower_counts_what_was_imported(write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1), task(2), task(3, **{"concept:name": "T02 Check"})))

    catch_up(CaseStatistics, PermitCases)

    assert get_application(CaseStatistics).get_counts() == {
        "Confirmation of receipt": 2,
        "T02 Check": 1,
    }
