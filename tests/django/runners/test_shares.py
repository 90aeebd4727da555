"""Shares: each worker has as many followers as another, give or take one."""

import random
from itertools import count
from uuid import UUID

import pytest

from django_eventsourcing.runners.shares import Standing

A, B, C = (UUID(int=number) for number in range(1, 4))


def names(number):
    return [f"F{i}" for i in range(number)]


def standing(workers, **owners):
    held = {name: worker for worker, held in workers.items() for name in held}
    every = names(owners.pop("of"))
    return Standing(
        workers=dict.fromkeys(workers, every), owners={name: held.get(name) for name in every}
    )


@pytest.mark.parametrize(
    ("followers", "workers", "share"), [(6, 2, 3), (7, 2, 4), (6, 5, 2), (1, 5, 1), (0, 2, 0)]
)
def test_the_share_is_rounded_up(followers, workers, share):
    live = {UUID(int=n): names(followers) for n in range(workers)}

    assert Standing(workers=live, owners={}).share_of(UUID(int=0)) == share


def test_followers_that_others_may_not_run_count_in_full():
    live = {A: ["F0", "F1", "F2"], B: ["F2"], C: []}
    shares = Standing(workers=live, owners={})

    assert [shares.share_of(worker) for worker in live] == [3, 1, 0]


def test_a_worker_that_is_not_known_has_no_share():
    assert Standing(workers={A: ["F0"]}, owners={}).share_of(B) == 0


def test_a_surplus_is_left_to_a_worker_that_has_less():
    assert standing({A: names(6), B: []}, of=6).surplus_of(A) == ["F3", "F4", "F5"]


def test_a_difference_of_one_is_none():
    assert standing({A: names(2), B: ["F2"]}, of=3).surplus_of(A) == []


def test_nothing_is_left_while_something_is_free():
    assert standing({A: names(5), B: []}, of=6).surplus_of(A) == []


def test_nothing_is_left_to_workers_that_may_not_run_it():
    owners = dict.fromkeys(["F0", "F1", "F2"], A)

    assert Standing(workers={A: list(owners), B: []}, owners=owners).surplus_of(A) == []


@pytest.mark.parametrize("seed", range(20))
def test_any_start_comes_to_rest_with_fair_shares(seed):
    chance = random.Random(seed)
    workers = [UUID(int=n) for n in range(chance.randint(1, 6))]
    every = names(chance.randint(0, 12))
    owners = {name: chance.choice([None, *workers]) for name in every}
    rounds = count()

    while True:
        before = dict(owners)
        for worker in workers:
            now = Standing(workers=dict.fromkeys(workers, every), owners=owners)
            left = now.surplus_of(worker)
            free = [name for name in now.free() if name not in left]
            room = now.share_of(worker) - len(now.held_by(worker))
            owners.update(dict.fromkeys(left))
            owners.update(dict.fromkeys(free[: max(0, room)], worker))
        if owners == before:
            break
        assert next(rounds) < 20, owners

    held = [list(owners.values()).count(worker) for worker in workers]
    assert None not in owners.values()
    assert max(held) - min(held) <= 1


def test_a_worker_that_takes_no_share_is_nobody_to_leave_a_follower_to():
    assert Standing(workers={A: ["F0"], B: ["F0"]}, owners={"F0": None}).has_others(A, "F0")
    assert not Standing(workers={A: ["F0"], B: []}, owners={"F0": None}).has_others(A, "F0")
