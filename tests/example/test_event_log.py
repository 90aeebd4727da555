"""Event logs in files: what is read, and what is said of each bad row."""

from datetime import datetime

import pytest

from example_project.permits.event_log import EventLogError, read_event_log
from tests.example.conftest import ROW, task, write_csv


def bad_row(path):
    """Return what is said of the only bad row."""
    (found,) = read_event_log(path).bad_rows
    return str(found)


def test_a_row_is_an_activity_of_a_case(write_rows):
    (row,) = read_event_log(write_rows({})).rows

    assert row.line == 2
    assert row.case.case_id == "case-1"
    assert row.case.started == datetime.fromisoformat("2011-10-11T13:42:22.688+02:00")
    assert row.activity.name == "Confirmation of receipt"
    assert row.activity.completed_at.isoformat() == "2011-10-11T13:45:40.276000+02:00"


def test_the_text_empty_is_a_group_like_any_other(write_rows):
    (row,) = read_event_log(write_rows({})).rows

    assert row.activity.group == "EMPTY"


def test_a_case_need_not_have_a_deadline(write_rows):
    (row,) = read_event_log(write_rows({"case:deadline": ""})).rows

    assert row.case.deadline is None


def test_a_fraction_of_a_second_is_not_needed(write_rows):
    (row,) = read_event_log(write_rows({"time:timestamp": "2011-10-12 08:26:25+02:00"})).rows

    assert row.activity.completed_at.isoformat() == "2011-10-12T08:26:25+02:00"


def test_rows_are_in_the_order_of_time_over_the_whole_file(write_rows):
    later = task(5, **{"case:concept:name": "case-1"})
    earlier = task(3, **{"case:concept:name": "case-2"})

    log = read_event_log(write_rows(later, earlier))

    assert [row.line for row in log.rows] == [3, 2]


def test_moments_are_compared_across_offsets(write_rows):
    path = write_rows(
        task(1, **{"time:timestamp": "2011-10-30 02:10:00+01:00"}),
        task(2, **{"time:timestamp": "2011-10-30 02:50:00+02:00"}),
    )

    assert [row.line for row in read_event_log(path).rows] == [3, 2]


def test_a_byte_order_mark_is_no_part_of_the_first_column(write_rows):
    path = write_rows({})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    assert len(read_event_log(path).rows) == 1


def test_columns_that_are_not_needed_may_be_left_out(tmp_path):
    header = [column for column in ROW if column != "lifecycle:transition"]
    row = {column: ROW[column] for column in header}

    log = read_event_log(write_csv(tmp_path / "log.csv", header, [row]))

    assert len(log.rows) == 1


def test_empty_lines_are_no_rows(write_rows):
    path = write_rows({})
    path.write_text(path.read_text() + "\n\n")

    assert read_event_log(path).bad_rows == []


def test_a_line_break_in_quotes_keeps_the_line_numbers_right(write_rows):
    path = write_rows(task(1, **{"org:resource": "one\ntwo"}), task(2, **{"concept:name": ""}))

    assert bad_row(path) == "line 4, concept:name: the field is blank. Fill it in."


@pytest.mark.parametrize("column", ["case:concept:name", "concept:name", "concept:instance"])
def test_a_blank_field(write_rows, column):
    assert bad_row(write_rows({column: " "})) == (
        f"line 2, {column}: the field is blank. Fill it in."
    )


@pytest.mark.parametrize(
    "value", ["2011-13-11 13:45:40+02:00", "yesterday", "0001-01-01 00:00:00+02:00"]
)
@pytest.mark.parametrize("column", ["time:timestamp", "case:startdate", "case:deadline"])
def test_a_timestamp_that_is_none(write_rows, column, value):
    assert bad_row(write_rows({column: value})) == (
        f"line 2, {column}: {value!r} is not a timestamp. "
        f"Write it like 2011-10-11 13:45:40.276000+02:00."
    )


def test_a_naive_timestamp(write_rows):
    assert bad_row(write_rows({"time:timestamp": "2011-10-11 13:45:40"})) == (
        "line 2, time:timestamp: '2011-10-11 13:45:40' has no offset from UTC. "
        "Write it with one, like 2011-10-11 13:45:40.276000+02:00."
    )


def test_too_many_fields(write_rows):
    path = write_rows({})
    path.write_text(path.read_text().rstrip("\n") + ",more\n")

    assert bad_row(path) == (
        "line 2: there are 14 fields where the first line names 13 columns. "
        "Quote fields that contain commas, and leave none out."
    )


def test_too_few_fields(write_rows):
    path = write_rows({})
    path.write_text(path.read_text() + "Internet,case-2\n")

    assert bad_row(path).startswith("line 3: there are 2 fields where the first line names 13")


def test_an_activity_that_is_not_complete(write_rows):
    assert bad_row(write_rows({"lifecycle:transition": "start"})) == (
        "line 2, lifecycle:transition: 'start' is not 'complete'. "
        "Remove the row: an activity is recorded when it has been completed."
    )


def test_an_instance_twice_in_a_case(write_rows):
    assert bad_row(write_rows(task(1), task(1))) == (
        "line 3, concept:instance: 'task-1' is the instance of line 2, of the same case, already. "
        "Remove the row, or give it an instance of its own."
    )


def test_the_same_instance_in_two_cases_is_fine(write_rows):
    log = read_event_log(write_rows(task(1), task(1, **{"case:concept:name": "case-2"})))

    assert log.bad_rows == []


def test_a_case_described_in_two_ways(write_rows):
    assert bad_row(write_rows(task(1), task(2, **{"case:channel": "Desk"}))) == (
        "line 3, case:channel: 'Desk' differs from 'Internet' in line 2, of the same case "
        "'case-1'. Make the two equal."
    )


def test_a_missing_column(tmp_path):
    header = [column for column in ROW if column not in ("concept:instance", "org:group")]
    path = write_csv(tmp_path / "log.csv", header, [])

    with pytest.raises(EventLogError) as caught:
        read_event_log(path)

    assert str(caught.value) == (
        f"{path} has no column concept:instance, org:group. "
        f"Name the columns in its first line, with commas between them."
    )


def test_a_column_twice(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(",".join([*ROW, "org:group"]))

    with pytest.raises(EventLogError) as caught:
        read_event_log(path)

    assert str(caught.value) == f"{path} has the column org:group twice. Remove one of the two."


def test_an_empty_file(tmp_path):
    path = tmp_path / "log.csv"
    path.touch()

    with pytest.raises(EventLogError) as caught:
        read_event_log(path)

    assert str(caught.value) == f"{path} is empty. Its first line must name the columns."


def test_no_file(tmp_path):
    with pytest.raises(EventLogError, match="log.csv cannot be read: No such file or directory."):
        read_event_log(tmp_path / "log.csv")


def test_a_directory(tmp_path):
    with pytest.raises(EventLogError, match="cannot be read: Is a directory."):
        read_event_log(tmp_path)


def test_another_encoding(write_rows):
    path = write_rows(task(1), task(2, **{"org:resource": "Zoë"}))
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))

    with pytest.raises(EventLogError) as caught:
        read_event_log(path)

    assert str(caught.value) == f"{path} is not UTF-8 (byte 0xeb in line 3). Save it as UTF-8."


@pytest.mark.parametrize(
    ("separator", "quote", "name"), [(";", "", "';'"), (";", '"', "';'"), ("\t", "", "tabs")]
)
def test_another_separator(tmp_path, separator, quote, name):
    path = tmp_path / "log.csv"
    path.write_text(separator.join(f"{quote}{column}{quote}" for column in ROW))

    with pytest.raises(EventLogError) as caught:
        read_event_log(path)

    assert str(caught.value) == (
        f"{path} seems to be separated by {name}. Save it with commas between the fields."
    )


def test_quotes_that_do_not_close(write_rows):
    path = write_rows({})
    path.write_text(path.read_text() + '"Internet,case-2\n')

    with pytest.raises(EventLogError) as caught:
        read_event_log(path)

    assert str(caught.value) == (
        f"{path}, line 3: unexpected end of data. Quote fields that contain commas, quotes or "
        f"line breaks, and double the quotes in them."
    )
