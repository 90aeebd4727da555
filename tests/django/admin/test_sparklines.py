"""Sparklines: the last hour of a follower, as a line and in words."""

from django_eventsourcing.admin.sparklines import sparkline

EMPTY = [0.0] * 60


def test_the_highest_minute_is_at_the_top_and_nothing_at_the_bottom():
    line = sparkline([*EMPTY[:58], 50.0, 100.0], 100.0)

    assert line.points.split()[0] == "2,22"
    assert line.points.split()[-2:] == ["118,12", "120,2"]
    assert len(line.points.split()) == 60
    assert (line.width, line.height) == (122, 24)


def test_it_is_told_in_words():
    assert sparkline([*EMPTY[:59], 900.0], 310.0).title == (
        "310/s now, at most 900/s in the last hour"
    )
    assert sparkline([900.0, *EMPTY[:59]], None).title == (
        "nothing now, at most 900/s in the last hour"
    )
    assert sparkline(EMPTY, None).title == "nothing was processed in the last hour"


def test_the_rate_is_at_most_what_is_told_to_be_the_most():
    line = sparkline([*EMPTY[:59], 50.0], 100.0)

    assert line.title == "100/s now, at most 100/s in the last hour"
    assert line.points.split()[-1] == "120,12"


def test_where_nobody_puts_it_on_record_there_is_no_line():
    assert sparkline([], None) is None
