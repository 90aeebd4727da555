"""Gathering: what a policy collects in a unit of work is recorded at once, and nobody can tell."""

from contextlib import suppress

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.models import SnapshotRecord, StoredEventRecord
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import (
    AlreadyProcessedError,
    OperationalError,
    RecordConflictError,
    TranscodingNotRegisteredError,
)
from eventsourcing.system import ProcessApplication
from tests.core.school import Counter, Counters, Dog, DogSchool


def env_of(database, **others):
    return {
        "PERSISTENCE_MODULE": "django_eventsourcing.factory",
        "DJANGO_DB_ALIAS": database,
        **others,
    }


@pytest.fixture
def school(database):
    return DogSchool(env_of(database))


@pytest.fixture
def follow(database, school):
    """Return what makes an application of a class, which follows the school."""

    def follow(cls, **others):
        follower = cls(env_of(database, **others))
        follower.follow("DogSchool", school.notification_log, school.mapper)
        return follower

    return follow


def teach(school, *tricks):
    """Record one event for each trick, after that of a new dog; return their ids."""
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return [n.id for n in school.recorder.select_notifications(None, 100)][-len(tricks) :]


def inserts(database, call, table="storedeventrecord"):
    """Return how many statements insert events while it is called."""
    with CaptureQueriesContext(connections[database]) as queries:
        call()
    return sum(
        f'INTO "django_eventsourcing_{table}"' in q["sql"].replace("`", '"') for q in queries
    )


class Failing(Counters):
    """Counts, but for what is bad."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", "") == "bad":
            raise ValueError("bad")
        super().policy(domain_event, processing_event)


def test_events_of_several_notifications_are_one_insert(database, school, follow):
    teach(school, "sit", "stay", "roll")
    counters = follow(Counters)

    number = inserts(database, lambda: counters.process_batch("DogSchool"))

    assert number == 1
    assert [counters.get_count(trick) for trick in ("sit", "stay", "roll")] == [1, 1, 1]
    assert StoredEventRecord.objects.using(database).of("Counters").count() == 6


def test_an_aggregate_that_was_changed_earlier_is_seen(database, school, follow):
    ids = teach(school, "sit", "sit", "stay", "sit", "stay")
    counters = follow(Counters)

    assert counters.process_batch("DogSchool") == 6

    assert (counters.get_count("sit"), counters.get_count("stay")) == (3, 2)
    assert counters.recorder.max_tracking_id("DogSchool") == ids[-1]


def test_an_aggregate_that_is_changed_each_time_is_read_twice(database, school, follow):
    teach(school, *["sit"] * 9)
    counters = follow(Counters)

    with CaptureQueriesContext(connections[database]) as queries:
        assert counters.process_batch("DogSchool") == 10

    texts = [q["sql"].replace("`", '"') for q in queries]
    assert sum('"originator_id" = ' in text for text in texts) == 2
    assert sum('INTO "django_eventsourcing_storedeventrecord"' in text for text in texts) == 2
    assert counters.get_count("sit") == 9


@pytest.mark.parametrize("fastforward", ["y", "n"])
def test_an_aggregate_that_is_cached_is_seen_as_it_was_changed(school, follow, fastforward):
    teach(school, "sit", "sit", "stay", "sit")
    counters = follow(
        Counters, AGGREGATE_CACHE_MAXSIZE="10", AGGREGATE_CACHE_FASTFORWARD=fastforward
    )

    counters.process_batch("DogSchool", 3)
    teach(school, "sit", "sit")

    assert counters.process_batch("DogSchool") == 5
    assert counters.get_count("sit") == 5


def test_a_failure_leaves_nothing_and_then_singly_what_was_before_it(database, school, follow):
    ids = teach(school, "sit", "bad", "stay", "roll")
    counters = follow(Failing)

    with pytest.raises(ValueError, match="bad"):
        counters.process_batch("DogSchool")
    assert StoredEventRecord.objects.using(database).of("Counters").count() == 0
    assert counters.recorder.max_tracking_id("DogSchool") is None

    with pytest.raises(ValueError, match="bad"):
        counters.pull_and_process("DogSchool")
    assert counters.get_count("sit") == 1
    assert counters.recorder.max_tracking_id("DogSchool") == ids[0]
    assert StoredEventRecord.objects.using(database).of("Counters").count() == 2


class Weighed(Aggregate):
    """Has events with whatever they are given."""

    @event("Taken")
    def take(self, value):
        self.value = value


class Careless(ProcessApplication):
    """Collects a value that nobody can store; goes on when what it reads cannot be read."""

    name = "Counters"
    looks = True

    def policy(self, domain_event, processing_event):
        trick = getattr(domain_event, "trick", None)
        if trick is None:
            return
        weighed = Weighed()
        weighed.take(complex(1) if trick == "bad" else trick)
        processing_event.collect_events(weighed)
        if self.looks:
            with suppress(Exception):
                self.recorder.select_notifications(None, 1)


@pytest.mark.parametrize("looks", [True, False])
def test_an_event_that_cannot_be_recorded_fails_alone(database, school, follow, looks):
    ids = teach(school, "sit", "bad", "stay")
    careless = follow(Careless)
    careless.looks = looks

    with pytest.raises(TranscodingNotRegisteredError):
        careless.pull_and_process("DogSchool")

    assert careless.recorder.max_tracking_id("DogSchool") == ids[0]
    assert StoredEventRecord.objects.using(database).of("Counters").count() == 2


class Conflicting(Counters):
    """Records the second time what it has recorded once."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", "") == "again":
            counter = Counter("sit")
            counter.increment()
            processing_event.collect_events(counter)
        else:
            super().policy(domain_event, processing_event)


def test_a_version_that_is_taken_fails_alone(database, school, follow):
    ids = teach(school, "sit", "stay", "again", "roll")
    conflicting = follow(Conflicting)

    with pytest.raises(RecordConflictError):
        conflicting.pull_and_process("DogSchool")

    assert conflicting.recorder.max_tracking_id("DogSchool") == ids[1]
    assert (conflicting.get_count("sit"), conflicting.get_count("stay")) == (1, 1)


def test_each_event_is_caused_by_its_own_notification(database, school, follow):
    ids = teach(school, "sit", "stay", "sit", "roll")
    follow(Counters).process_batch("DogSchool")

    events = StoredEventRecord.objects.using(database).of("Counters").order_by("id")
    found = [metadata["causation_id"] for metadata in events.values_list("metadata", flat=True)]
    sit, stay, again, roll = (f"DogSchool:{id_}" for id_ in ids)
    assert found == [sit, sit, stay, stay, again, roll, roll]


def test_events_are_in_the_order_of_what_they_follow_from(database, school, follow):
    teach(school, "sit", "stay", "sit", "roll", "stay")
    counters = follow(Counters)
    counters.process_batch("DogSchool")

    found = [
        (n.originator_id, n.originator_version)
        for n in counters.recorder.select_notifications(None, 100)
    ]

    sit, stay, roll = (Counter.create_id(trick) for trick in ("sit", "stay", "roll"))
    assert found == [
        *((sit, 1), (sit, 2), (stay, 1), (stay, 2), (sit, 3)),
        *((roll, 1), (roll, 2), (stay, 3)),
    ]


class Snapshotting(Counters):
    """Takes a snapshot at each second version."""

    name = "Counters"
    snapshotting_intervals = {Counter: 2}


def test_snapshots_are_taken(database, school, follow):
    teach(school, "sit", "sit", "stay", "sit")
    counters = follow(Snapshotting)

    counters.process_batch("DogSchool")

    found = SnapshotRecord.objects.using(database).of("Counters")
    assert sorted(found.values_list("originator_id", "originator_version")) == sorted(
        [
            (Counter.create_id("sit"), 2),
            (Counter.create_id("sit"), 4),
            (Counter.create_id("stay"), 2),
        ]
    )
    assert counters.get_count("sit") == 3


class Marking(Counters):
    """Gives the recorder an argument with some of its events."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        super().policy(domain_event, processing_event)
        if getattr(domain_event, "trick", "") == "mark":
            processing_event.collect_events(mark="this")


def test_arguments_travel_with_their_own_events(school, follow):
    teach(school, "sit", "mark", "stay")
    marking, calls = follow(Marking), []
    insert_events = marking.recorder.insert_events

    def noted(stored_events, **kwargs):
        calls.append((len(stored_events), kwargs.get("mark")))
        return insert_events(stored_events, **kwargs)

    marking.recorder.insert_events = noted
    marking.process_batch("DogSchool")

    assert calls == [(2, None), (2, "this"), (2, None)]
    assert [marking.get_count(trick) for trick in ("sit", "mark", "stay")] == [1, 1, 1]


class Looking(Counters):
    """Notes what there is before each event that it processes."""

    name = "Counters"

    def __init__(self, env=None):
        super().__init__(env)
        self.seen = []

    def look(self):
        """Return how many notifications there are."""
        return len(self.recorder.select_notifications(None, 100))

    def policy(self, domain_event, processing_event):
        if isinstance(domain_event, Dog.TrickAdded):
            self.seen.append(self.look())
        super().policy(domain_event, processing_event)


class Measuring(Looking):
    """Looks at the last of the ids."""

    name = "Counters"
    by = "max_notification_id"

    def look(self):
        last = getattr(self.recorder, self.by)()
        if last is None:
            return 0
        before = StoredEventRecord.objects.using(self.recorder.alias).of("Counters")
        return before.filter(id__lte=last).count()


@pytest.mark.parametrize(
    ("cls", "by"),
    [
        (Looking, None),
        (Measuring, "max_notification_id"),
        (Measuring, "settled_notification_id"),
    ],
)
def test_a_policy_sees_what_was_collected_before(school, follow, cls, by):
    teach(school, "sit", "stay", "roll")
    looking = follow(cls)
    looking.by = by

    looking.process_batch("DogSchool")

    assert looking.seen == [0, 2, 4]


class Telling(Counters):
    """Notes how far it has come before each event that it processes."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        self.__dict__.setdefault("seen", []).append(self.recorder.max_tracking_id("DogSchool"))
        super().policy(domain_event, processing_event)


def test_a_policy_sees_how_far_it_has_come(school, follow):
    ids = teach(school, "sit", "stay", "roll")
    telling = follow(Telling)

    telling.process_batch("DogSchool")

    assert telling.seen == [None, ids[0] - 1, ids[0], ids[1]]
    assert telling.recorder.max_tracking_id("DogSchool") == ids[2]


class Saving(Counters):
    """Saves by itself, too."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        super().policy(domain_event, processing_event)
        if isinstance(domain_event, Dog.TrickAdded):
            self.save(Dog(domain_event.trick))


def test_what_a_policy_saves_itself_comes_after_what_was_collected_before(school, follow):
    teach(school, "sit", "stay")
    saving = follow(Saving)

    saving.process_batch("DogSchool")

    found = [n.topic.rpartition(".")[2] for n in saving.recorder.select_notifications(None, 100)]
    assert found == ["Registered", "Created", "Incremented", "Registered", "Created", "Incremented"]


class Nested(Counters):
    """Has itself process another application's events, in between."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        super().policy(domain_event, processing_event)
        if getattr(domain_event, "trick", "") == "pull":
            before = self.recorder.max_tracking_id("DogSchool")
            self.pull_and_process("CatSchool")
            assert self.recorder.max_tracking_id("DogSchool") == before


class CatSchool(DogSchool):
    """Another school."""


def test_a_policy_may_have_another_upstream_processed(database, school, follow):
    cats = CatSchool(env_of(database))
    ids = teach(school, "pull", "sit", "sit", "stay")
    others = teach(cats, "sit", "stay")
    nested = follow(Nested)
    nested.follow("CatSchool", cats.notification_log, cats.mapper)

    assert nested.process_batch("DogSchool") == 5

    assert [nested.get_count(trick) for trick in ("sit", "pull", "stay")] == [3, 1, 2]
    assert nested.recorder.max_tracking_id("DogSchool") == ids[-1]
    assert nested.recorder.max_tracking_id("CatSchool") == others[-1]


def test_what_is_set_aside_moves_the_position_only(school, follow):
    ids = teach(school, "sit", "stay", "sit", "roll")
    counters = follow(Counters)

    count = counters.process_batch("DogSchool", sets_aside=lambda n: n.id in (ids[1], ids[3]))

    assert count == 5
    assert [counters.get_count(trick) for trick in ("sit", "stay", "roll")] == [2, 0, 0]
    assert counters.recorder.max_tracking_id("DogSchool") == ids[3]


def test_a_batch_that_ends_early_leaves_the_position_at_what_was_processed(school, follow):
    ids = teach(school, "sit", "stay", "roll")
    counters = follow(Counters)

    count = counters.process_batch("DogSchool", is_interrupted=lambda: True)
    assert (count, counters.recorder.max_tracking_id("DogSchool")) == (1, ids[0] - 1)

    assert counters.process_batch("DogSchool", longest=-1) == 1
    assert counters.recorder.max_tracking_id("DogSchool") == ids[0]
    assert counters.process_batch("DogSchool") == 2
    assert [counters.get_count(trick) for trick in ("sit", "stay", "roll")] == [1, 1, 1]


def test_nothing_is_gathered_outside_of_a_unit_of_work(database, school, follow):
    teach(school, "sit", "stay")
    counters = follow(Counters)

    def process_by_hand():
        notifications = counters.pull_notifications("DogSchool")
        with counters.gathering():
            for notification in notifications:
                counters.process_notification("DogSchool", notification)

    assert inserts(database, process_by_hand) == 2


def test_followers_that_process_at_once_do_so_after_each(database, school, follow):
    teach(school, "sit", "stay", "sit")
    counters, calls = follow(Counters), []
    counters.recorder.process_at_once = lambda events, ids: calls.append(len(events))

    number = inserts(database, lambda: counters.process_batch("DogSchool"))

    assert number == 3
    assert calls == [2, 2, 1]


def test_those_who_are_told_of_new_events_are_told_after_the_commit(database, school, follow):
    teach(school, "sit", "stay")
    counters, told = follow(Counters), []
    counters.notify = lambda events: told.append(
        (len(events), connections[database].in_atomic_block)
    )

    counters.process_batch("DogSchool")

    assert told == [(4, False)]


def test_a_unit_of_work_that_is_rolled_back_from_outside_is_done_again(database, school, follow):
    teach(school, "sit", "sit")
    counters = follow(Counters)

    with transaction.atomic(using=database):
        counters.process_batch("DogSchool")
        assert counters.get_count("sit") == 2
        transaction.set_rollback(True, using=database)

    assert counters.get_count("sit") == 0
    counters.pull_and_process("DogSchool")
    assert counters.get_count("sit") == 2


def test_a_unit_of_work_that_somebody_else_has_done_records_nothing(database, school, follow):
    teach(school, "sit", "stay")
    first, second = follow(Counters), follow(Counters)
    first.process_batch("DogSchool", 1)
    second.process_batch("DogSchool")

    with pytest.raises(AlreadyProcessedError):
        first.process_batch("DogSchool")

    assert first.process_batch("DogSchool") == 0
    assert first.get_count("sit") == 1


def test_an_aggregate_that_is_not_there_is_looked_for_among_what_was_collected(school, follow):
    teach(school, "sit", "sit")
    counters = follow(Counters)

    with pytest.raises(AggregateNotFoundError):
        counters.repository.get(Counter.create_id("sit"))
    counters.process_batch("DogSchool")

    assert Counter.create_id("sit") in counters.repository


class Undecided(Counters):
    """Takes back what it has written, after having read, where it is to think again."""

    name = "Counters"
    takes_back = "by a block"

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", "") != "think":
            super().policy(domain_event, processing_event)
        elif self.takes_back == "by a block":
            with suppress(ValueError), transaction.atomic(using=self.recorder.alias):
                self.write()
                raise ValueError("on second thoughts")
        else:
            connections[self.recorder.alias].cursor().execute("SAVEPOINT own")
            self.write()
            connections[self.recorder.alias].cursor().execute("ROLLBACK TO SAVEPOINT own")

    def write(self):
        self.seen = self.get_count("sit")
        self.save(Dog("Rex"))


@pytest.mark.parametrize("way", ["by a block", "by hand"])
def test_what_a_policy_takes_back_does_not_take_along_what_was_collected_before(
    database, school, follow, way
):
    ids = teach(school, "sit", "sit", "think", "sit", "stay")
    undecided = follow(Undecided)
    undecided.takes_back = way

    with pytest.raises(OperationalError, match="Counters: a policy has rolled back a savepoint"):
        undecided.process_batch("DogSchool")
    undecided.pull_and_process("DogSchool")

    assert undecided.seen == 2
    assert (undecided.get_count("sit"), undecided.get_count("stay")) == (3, 1)
    assert StoredEventRecord.objects.using(database).of("Counters").count() == 6
    assert undecided.recorder.max_tracking_id("DogSchool") == ids[-1]


class Grouping(Counters):
    """Writes rows, too, in savepoints, of which some are rolled back."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        super().policy(domain_event, processing_event)
        groups = Group.objects.using(self.recorder.alias)
        groups.update_or_create(name=getattr(domain_event, "trick", ""))
        with suppress(IntegrityError), transaction.atomic(using=self.recorder.alias):
            groups.create(name=getattr(domain_event, "trick", ""))


def test_savepoints_in_which_nothing_is_read_change_nothing(database, school, follow):
    teach(school, "sit", "stay", "roll")
    grouping = follow(Grouping)

    assert inserts(database, lambda: grouping.process_batch("DogSchool")) == 1
    assert [grouping.get_count(trick) for trick in ("sit", "stay", "roll")] == [1, 1, 1]


class Asking(Counters):
    """Asks another instance of the application what there is before each event."""

    name = "Counters"

    def policy(self, domain_event, processing_event):
        if isinstance(domain_event, Dog.TrickAdded):
            self.__dict__.setdefault("seen", []).append(self.other.get_count("sit"))
        super().policy(domain_event, processing_event)


def test_another_instance_of_the_application_sees_what_was_collected(database, school, follow):
    """A segment is one, and code that a policy calls may ask for the one without segments."""
    teach(school, "sit", "sit", "stay")
    asking = follow(Asking)
    asking.other = Counters(env_of(database))

    asking.process_batch("DogSchool")

    assert asking.seen == [0, 1, 2]
