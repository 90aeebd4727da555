"""Pipes: as much is read at a time as is processed in time, and singly after a failure."""

from math import inf

import pytest

from django_eventsourcing.runners.pipe import Pipe
from tests.core.school import Counters, DogSchool


class Batches(Counters):
    """Processes as many as it is told, and notes how many it was asked for."""

    name = "Counters"

    def __init__(self):
        super().__init__()
        self.asked, self.answers = [], []

    def process_batch(self, leader_name, limit=None, **kwargs):
        self.asked.append(limit)
        answer = self.answers.pop(0) if self.answers else limit
        if isinstance(answer, Exception):
            raise answer
        return answer


class NoParking:
    """Sets nothing aside; notes what it is told."""

    in_hand = None

    def __init__(self):
        self.told = []

    def begin(self):
        return lambda notification: False

    def succeeded(self):
        self.told.append("succeeded")

    def forget(self):
        self.told.append("forget")


@pytest.fixture
def follower():
    return Batches()


@pytest.fixture
def pipe_of(follower):
    """Return what makes a pipe whose batches are all in time."""

    def pipe_of(batch_size):
        pipe = Pipe(DogSchool(), follower, batch_size, lambda: False, NoParking())
        pipe._longest = inf
        return pipe

    return pipe_of


def late(pipe, count):
    """Process a batch that ends early after so many, as it takes too long."""
    pipe.follower.answers.append(count)
    pipe._longest = -inf
    pipe.step()
    pipe._longest = inf


@pytest.mark.parametrize(
    ("most", "sizes"),
    [(500, [100, 200, 400, 500, 500]), (150, [100, 150, 150]), (10, [10, 10]), (1, [1, 1])],
)
def test_who_is_behind_reads_twice_as_many_each_time(follower, pipe_of, most, sizes):
    pipe = pipe_of(most)

    for _ in sizes:
        pipe.step()

    assert follower.asked == sizes
    assert pipe.processed == sum(sizes)


def test_a_batch_that_ended_early_halves_what_is_read_to_twice_what_it_came_to(follower, pipe_of):
    pipe = pipe_of(500)

    late(pipe, 7)
    late(pipe, 1)
    late(pipe, 1)
    pipe.step()
    pipe.step()

    assert follower.asked == [100, 14, 2, 2, 4]


def test_a_batch_that_is_late_and_was_whole_is_read_twice_as_many(follower, pipe_of):
    pipe = pipe_of(500)

    late(pipe, 100)
    pipe.step()

    assert follower.asked == [100, 200]


@pytest.mark.parametrize("count", [0, 1, 99])
def test_the_end_of_the_log_leaves_it(follower, pipe_of, count):
    pipe = pipe_of(500)
    follower.answers = [count]

    pipe.step()
    pipe.step()

    assert follower.asked == [100, 100]


def test_after_a_failure_as_many_are_processed_singly_as_the_batch_had(follower, pipe_of):
    pipe = pipe_of(500)
    late(pipe, 2)
    follower.answers = [ValueError("bad")]
    with pytest.raises(ValueError, match="bad"):
        pipe.step()

    pipe.go_singly()
    for _ in range(6):
        pipe.step()

    assert follower.asked == [100, 4, 1, 1, 1, 1, 4, 8]
    assert pipe.parking.told == ["succeeded", "forget", *["succeeded"] * 6]


def test_singles_end_when_there_is_nothing_left(follower, pipe_of):
    pipe = pipe_of(500)

    pipe.go_singly()
    assert pipe.is_single
    follower.answers = [1, 0]
    for _ in range(3):
        pipe.step()

    assert not pipe.is_single
    assert follower.asked == [1, 1, 100]


def test_a_single_that_is_late_changes_nothing(follower, pipe_of):
    pipe = pipe_of(500)

    pipe.go_singly()
    late(pipe, 1)
    follower.answers = [0]
    pipe.step()
    pipe.step()

    assert follower.asked == [1, 1, 100]
