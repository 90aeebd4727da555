"""The notification log: pages of a fixed size, each with the id of the next."""

import pytest

from eventsourcing.application import NotificationLog, Section
from tests.core.school import DogSchool


@pytest.fixture
def log():
    school = DogSchool()
    for number in range(23):
        school.register_dog(f"Dog {number}")
    return school.notification_log


@pytest.mark.parametrize(
    ("asked", "section_id", "next_id"),
    [
        ("1,10", "1,10", "11,20"),
        ("11,20", "11,20", "21,30"),
        ("21,30", "21,23", None),
        ("2,4", "2,4", "5,7"),
        ("-5,3", "1,3", "4,6"),
        ("1,500", "1,10", "11,20"),
        ("24,33", None, None),
        ("7,3", None, None),
    ],
)
def test_gives_the_section_asked_for(log, asked, section_id, next_id):
    section = log[asked]

    assert (section.id, section.next_id) == (section_id, next_id)


def test_gives_the_notifications_in_order(log):
    assert [n.id for n in log["11,20"].items] == list(range(11, 21))


@pytest.mark.parametrize("section_id", ["", "1", "1,2,3", "one,ten"])
def test_refuses_what_is_not_a_section_id(log, section_id):
    with pytest.raises(ValueError) as caught:
        log[section_id]

    assert str(caught.value) == (
        f"{section_id!r} is not a section id. Give two notification ids, such as '1,10'."
    )


def test_selects_between_ids(log):
    assert [n.id for n in log.select(5, 10, 7)] == [5, 6, 7]
    assert [n.id for n in log.select(5, 2, inclusive_of_start=False)] == [6, 7]
    assert [n.id for n in log.select(None, 2)] == [1, 2]


def test_selects_by_topic(log):
    assert log.select(1, 10, topics=["tests.core.school:Dog.TrickAdded"]) == []
    assert len(log.select(1, 10, topics=["tests.core.school:Dog.Registered"])) == 10


def test_refuses_more_than_a_section(log):
    with pytest.raises(ValueError) as caught:
        log.select(1, 11)

    assert str(caught.value) == (
        "limit is 11, more than the section size of 10. Ask for less, or raise log_section_size "
        "on the application."
    )


def test_a_log_of_another_kind_need_not_know_its_last_id():
    class EmptyLog(NotificationLog):
        def __getitem__(self, section_id):
            return Section(None, [], None)

        def select(self, start, limit, stop=None, topics=(), *, inclusive_of_start=True):
            return []

    assert EmptyLog().max_notification_id() is None
