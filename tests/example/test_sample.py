"""The sample: what the demo records is what its generator writes, and has no bad rows."""

from collections import Counter

from example_project.permits.event_log import read_event_log
from example_project.permits.sample.generate import CASES, PATH, generate_sample


def test_the_file_is_what_the_generator_writes():
    assert PATH.read_bytes().decode() == generate_sample()


def test_all_rows_are_good():
    log = read_event_log(PATH)

    assert log.bad_rows == []
    assert len({row.case.case_id for row in log.rows}) == CASES
    assert len(log.rows) > 400


def test_each_activity_is_in_it():
    counts = Counter(row.activity.name for row in read_event_log(PATH).rows)

    assert counts["Register application"] == CASES
    assert len(counts) == 12
