"""How many events a follower has not come to yet."""

import pytest

from example_project.training.application import Counters, DogSchool
from example_project.waiting import Waiting, count_waiting


@pytest.mark.parametrize(
    ("waiting", "text"),
    [
        (Waiting(count=1), "1 event is waiting to be counted"),
        (Waiting(count=2), "2 events are waiting to be counted"),
        (Waiting(count=100, is_more=True), "More than 100 events are waiting to be counted"),
    ],
)
def test_the_number_is_put_into_words(waiting: Waiting, text: str) -> None:
    assert str(waiting) == text


def test_all_events_wait_for_a_follower_that_has_not_begun() -> None:
    school = DogSchool()
    school.register_dog("Billy")

    assert count_waiting(Counters(), school) == Waiting(count=1)


def test_no_more_are_counted_than_need_be() -> None:
    school = DogSchool()
    for number in range(102):
        school.register_dog(f"Billy {number}")

    assert count_waiting(Counters(), school) == Waiting(count=100, is_more=True)
