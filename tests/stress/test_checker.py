"""The checker catches each kind of fault, and nothing else."""

import pytest

from tests.stress.checker import Effect, Logged, check

FOLLOWS = {"Watcher": ["Bank"]}
LOG = [Logged("Bank", 1, "a", 1), Logged("Bank", 2, "b", 1), Logged("Bank", 4, "a", 2)]
EFFECTS = [Effect("Watcher", *event) for event in LOG]


def faults(acknowledged=LOG, log=LOG, effects=EFFECTS, follows=FOLLOWS):
    verdict = check(acknowledged, log, effects, follows)
    return {kind: number for kind, number in verdict.faults.items() if number}


def test_nothing_is_found_where_nothing_is_wrong():
    verdict = check(LOG, LOG, EFFECTS, FOLLOWS)

    assert verdict.is_clean
    assert str(verdict) == (
        "3 acknowledged, 3 logged, 3 processed: "
        "0 lost, 0 unprocessed, 0 doubled, 0 disordered, 0 phantoms"
    )


def test_an_event_in_doubt_may_be_in_the_log():
    assert faults(acknowledged=LOG[:1]) == {}


def test_an_acknowledged_event_that_is_not_in_the_log_is_lost():
    assert faults(log=LOG[:2], effects=EFFECTS[:2]) == {"lost": 1}


def test_an_event_that_a_follower_has_passed_over_is_unprocessed():
    assert faults(effects=[EFFECTS[0], EFFECTS[2]]) == {"unprocessed": 1}


def test_each_follower_is_looked_at():
    assert faults(follows={**FOLLOWS, "Relay": ["Bank"]}) == {"unprocessed": 3}


def test_the_events_of_others_are_not_a_followers():
    assert faults(log=[*LOG, Logged("Relay", 3, "c", 1)]) == {}


def test_an_event_processed_twice_is_doubled():
    assert faults(effects=[*EFFECTS, EFFECTS[2]]) == {"doubled": 1}


def test_an_aggregates_events_the_wrong_way_round_are_disordered():
    assert faults(effects=[EFFECTS[2], EFFECTS[1], EFFECTS[0]]) == {"disordered": 1}


def test_different_aggregates_may_change_places():
    assert faults(effects=[EFFECTS[1], EFFECTS[0], EFFECTS[2]]) == {}


@pytest.mark.parametrize("event", [("Bank", 3, "c", 1), ("Bank", 2, "b", 2)])
def test_what_is_processed_and_not_in_the_log_is_a_phantom(event):
    assert faults(effects=[*EFFECTS, Effect("Watcher", *event)]) == {"phantoms": 1}


def test_the_verdict_names_what_it_has_found():
    verdict = check(LOG, LOG, EFFECTS[:2], FOLLOWS)

    assert not verdict.is_clean
    (line,) = str(verdict).splitlines()[1:]
    assert line == (
        "  unprocessed: ('Watcher', Logged(application='Bank', notification_id=4, "
        "originator_id='a', originator_version=2))"
    )
