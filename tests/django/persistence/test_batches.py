"""Batches: they come to the same as one notification after the other, whatever policies do."""

from contextlib import suppress
from inspect import isfunction
from itertools import count, cycle, repeat
from uuid import NAMESPACE_URL, uuid5

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_eventsourcing.models import SnapshotRecord
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import RecordConflictError
from eventsourcing.projection import gathering
from eventsourcing.system import ProcessApplication

pytestmark = pytest.mark.long_elsewhere("default")

numbers = count()


class Orders(Aggregate):
    """Tells a policy what to do."""

    @event("Given")
    def give(self, steps):
        """Do these, each with the name of a note."""


class Note(Aggregate):
    def __init__(self, name):
        self.words = []

    @classmethod
    def create_id(cls, name):
        return uuid5(NAMESPACE_URL, f"/notes/{name}")

    @event("Said")
    def say(self, word):
        self.words.append(word)


class OrderedError(Exception):
    """Fails as it is told to."""


class Following(ProcessApplication):
    """Does what it is told to."""

    snapshotting_intervals = {Note: 2}

    def policy(self, domain_event, processing_event):
        for step, name in getattr(domain_event, "steps", ()):
            getattr(self, step)(name, processing_event)

    def note(self, name, *words):
        try:
            note = self.repository.get(Note.create_id(name))
        except AggregateNotFoundError:
            note = Note(name)
        for word in words:
            note.say(word)
        return note

    def block(self):
        return transaction.atomic(using=self.recorder.alias)

    def collects(self, name, processing_event):
        processing_event.collect_events(self.note(name, "collected"))

    def collects_in_a_block(self, name, processing_event):
        with self.block():
            self.collects(name, processing_event)

    def collects_twice(self, name, processing_event):
        note = self.note(name, "once")
        processing_event.collect_events(note)
        note.say("twice")
        processing_event.collect_events(note)

    def collects_with_an_argument(self, name, processing_event):
        processing_event.collect_events(self.note(name, "marked"), mark=1)

    def collects_anew(self, name, processing_event):
        """Fail, if there is a note of the name."""
        processing_event.collect_events(Note(name))

    def changes_in_vain(self, name, _):
        """Change a note, and what it holds, without recording that."""
        self.note(name, "in vain").words.append("not even said")

    def saves(self, name, _):
        self.save(self.note(name, "saved"))

    def saves_anew(self, name, processing_event):
        try:
            self.save(Note(name))
        except RecordConflictError:
            processing_event.collect_events(self.note(name, "was there"))

    def takes_back(self, name, _):
        with suppress(OrderedError), self.block():
            self.saves(name, _)
            self.writes(f"{name} taken back", _)
            raise OrderedError

    def reads_and_takes_back(self, name, _):
        with suppress(OrderedError), self.block():
            self.note(name)
            raise OrderedError

    def tells_words(self, name, processing_event):
        processing_event.collect_events(self.note("words", *self.note(name).words))

    def tells_length(self, _, processing_event):
        length = len(self.recorder.select_notifications(None, 1000))
        processing_event.collect_events(self.note("lengths", length))

    def takes_a_snapshot(self, name, _):
        with suppress(AggregateNotFoundError):
            self.take_snapshot(Note.create_id(name))

    def writes(self, name, _):
        Group.objects.using(self.recorder.alias).get_or_create(name=f"{self.name} {name}")

    def fails(self, *_):
        raise OrderedError


FAILING = ("fails", "collects_anew")
STEPS = [
    name
    for name, value in vars(Following).items()
    if isfunction(value) and name not in ("policy", "note", "block", *FAILING)
]
# Of the same note, a notification changes one version: to change it twice is a conflict.
orders = st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from(STEPS)), min_size=2)
CACHES = [
    {},
    {"AGGREGATE_CACHE_MAXSIZE": "2"},
    {"AGGREGATE_CACHE_MAXSIZE": "2", "AGGREGATE_CACHE_FASTFORWARD": "n"},
]


@given(
    orders=orders,
    failing=st.none() | st.tuples(st.integers(0, 5), st.sampled_from(FAILING)),
    limits=st.lists(st.integers(2, 8), min_size=1, max_size=4),
    cache=st.sampled_from(CACHES),
    most=st.sampled_from([2, 500]),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_batch_comes_to_the_same_as_one_after_the_other(
    database, monkeypatch, orders, failing, limits, cache, most
):
    monkeypatch.setattr(gathering, "_MOST", most)
    env = {
        "PERSISTENCE_MODULE": "django_eventsourcing.factory",
        "DJANGO_DB_ALIAS": database,
        **cache,
    }
    leader = type(f"Leader{next(numbers)}", (Application,), {})(env)
    given_orders = Orders()
    for number, steps in enumerate(orders):
        last = [(failing[1], "a")] if failing is not None and failing[0] == number else []
        given_orders.give([(step, name) for name, step in steps.items()] + last)
    first = leader.save(given_orders)[0].notification.id

    def follow(limits):
        follower = type(f"Follower{next(numbers)}", (Following,), {})(env)
        follower.follow(leader.name, leader.notification_log, leader.mapper)
        error = None
        try:
            while follower.process_next(leader.name, next(limits)):
                pass
        except (OrderedError, RecordConflictError) as raised:
            error = type(raised)
        return error, *outcome(follower, leader.name, first)

    assert follow(cycle(limits)) == follow(repeat(1))


def outcome(follower, leader_name, first):
    """Return what a follower has come to, apart from names and from where its ids begin."""
    alias = follower.recorder.alias
    notifications = follower.recorder.select_notifications(None, 1000)
    events = map(follower.mapper.to_domain_event, notifications)
    snapshots = SnapshotRecord.objects.using(alias).of(follower.name)
    rows = Group.objects.using(alias).filter(name__startswith=f"{follower.name} ")
    return (
        [(e.originator_id, e.originator_version, getattr(e, "word", "")) for e in events],
        [int(n.metadata["causation_id"].partition(":")[2]) - first for n in notifications],
        set(snapshots.values_list("originator_id", "originator_version")),
        {row.name.partition(" ")[2] for row in rows},
        (follower.recorder.max_tracking_id(leader_name) or 0) - first,
        [follower.note(name).words for name in "ab"],
    )
