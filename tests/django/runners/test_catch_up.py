"""Catching up: each follower ends when there is nothing left, and nothing left to come."""

from django_eventsourcing.runners.catch_up import CatchUp

CHAIN = {"B": ["A"], "C": ["B"]}
CIRCLE = {"B": ["A", "C"], "C": ["B"]}


def looks_and_finds_nothing(catch_up, name):
    return catch_up.may_end(name, catch_up.begin(name))


def test_the_first_follower_ends_when_it_has_found_nothing():
    catch_up = CatchUp(["B", "C"], CHAIN)

    assert looks_and_finds_nothing(catch_up, "B")


def test_a_follower_does_not_end_before_the_one_that_it_follows():
    catch_up = CatchUp(["B", "C"], CHAIN)

    assert not looks_and_finds_nothing(catch_up, "C")
    catch_up.ended("B")
    assert looks_and_finds_nothing(catch_up, "C")


def test_a_look_that_began_before_the_upstream_ended_does_not_count():
    catch_up = CatchUp(["B", "C"], CHAIN)

    mark = catch_up.begin("C")
    catch_up.ended("B")

    assert not catch_up.may_end("C", mark)


def test_a_follower_that_is_not_run_is_not_waited_for():
    catch_up = CatchUp(["C"], CHAIN)

    assert looks_and_finds_nothing(catch_up, "C")


def test_followers_in_a_circle_end_when_none_has_moved():
    catch_up = CatchUp(["B", "C"], CIRCLE)

    assert not looks_and_finds_nothing(catch_up, "B")
    assert looks_and_finds_nothing(catch_up, "C")
    assert looks_and_finds_nothing(catch_up, "B")


def test_a_move_in_a_circle_lets_all_look_again():
    catch_up = CatchUp(["B", "C"], CIRCLE)

    assert not looks_and_finds_nothing(catch_up, "B")
    catch_up.moved("C")

    assert not looks_and_finds_nothing(catch_up, "C")
    assert looks_and_finds_nothing(catch_up, "B")


def test_a_follower_of_itself_ends_when_it_has_found_nothing():
    catch_up = CatchUp(["A"], {"A": ["A"]})

    catch_up.moved("A")

    assert looks_and_finds_nothing(catch_up, "A")


def test_a_stopped_member_of_a_circle_is_not_waited_for():
    catch_up = CatchUp(["B", "C"], CIRCLE)

    catch_up.ended("C")

    assert looks_and_finds_nothing(catch_up, "B")
