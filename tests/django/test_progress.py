"""Progress lines: when they are written, and what they say."""

import pytest

from django_eventsourcing.progress import ProgressLog, format_duration


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lines():
    return []


def test_says_how_much_how_fast_what_is_left_and_how_long_it_takes(clock, lines):
    progress = ProgressLog(lines.append, "Counters", 12_300, clock=clock)

    clock.now += 10
    progress.advance(3_100)

    assert lines == ["Counters +3,100  310/s  9,200 behind  ~30 s"]


def test_writes_at_most_one_line_in_an_interval(clock, lines):
    progress = ProgressLog(lines.append, "Counters", None, clock=clock)

    for _ in range(25):
        clock.now += 1
        progress.advance(2)

    assert lines == ["Counters +20  2.0/s", "Counters +20  2.0/s"]


def test_finish_reports_the_rest(clock, lines):
    progress = ProgressLog(lines.append, "Cases", 3, clock=clock, left_word="left")

    clock.now += 2
    progress.advance(3)
    progress.finish()
    progress.finish()

    assert lines == ["Cases +3  1.5/s  0 left"]


def test_what_is_left_can_be_told_from_outside(clock, lines):
    progress = ProgressLog(lines.append, "Counters", None, interval=0, clock=clock)

    clock.now += 1
    progress.advance(20, left=lambda: 40)

    assert lines == ["Counters +20  20/s  40 behind  ~2 s"]


def test_the_last_line_does_not_repeat_what_was_left_before(clock, lines):
    progress = ProgressLog(lines.append, "Counters", None, clock=clock)
    clock.now += 10
    progress.advance(20, left=lambda: 40)

    clock.now += 2
    progress.advance(40)
    progress.finish()

    assert lines[1:] == ["Counters +40  20/s"]


def test_idle_time_does_not_slow_the_rate(clock, lines):
    progress = ProgressLog(lines.append, "Counters", None, clock=clock)

    clock.now += 600
    progress.advance(0)
    clock.now += 1
    progress.advance(50)

    assert lines == ["Counters +50  50/s"]


def test_nothing_is_written_while_nothing_moves(clock, lines):
    progress = ProgressLog(lines.append, "Counters", None, clock=clock)

    for _ in range(5):
        clock.now += 10
        progress.advance(0)
    progress.finish()

    assert lines == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (30, "30 s"), (725, "12 min"), (12_000, "3 h 20 min")]
)
def test_durations_are_told_in_the_unit_that_suits_them(seconds, text):
    assert format_duration(seconds) == text
