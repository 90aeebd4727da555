"""The cache of aggregates: faster, and never different from what is recorded."""

import threading

import pytest

from eventsourcing.application import AggregateNotFoundError, Application, Cache, LRUCache
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import IntegrityError
from eventsourcing.popo import POPOApplicationRecorder
from tests.core.school import Dog, DogSchool


class Discarded(Aggregate.Event):
    """Leaves no aggregate."""

    def mutate(self, aggregate):
        super().mutate(aggregate)


class TransactionRecorder(POPOApplicationRecorder):
    """Keeps what is to be called after a commit until the test commits."""

    def __init__(self):
        super().__init__()
        self.callbacks = []

    def on_commit(self, callback):
        self.callbacks.append(callback)


def school_with(**env):
    school = DogSchool(env={"AGGREGATE_CACHE_MAXSIZE": "10", **env})
    school.selects = []
    select = school.recorder.select_events

    def select_events(originator_id, **kwargs):
        school.selects.append(kwargs["gt"])
        return select(originator_id, **kwargs)

    school.recorder.select_events = select_events
    return school


def test_there_is_none_by_default():
    assert DogSchool().repository.cache is None


@pytest.mark.parametrize(
    ("maxsize", "kind"), [("0", Cache), ("-1", Cache), ("1", LRUCache), ("100", LRUCache)]
)
def test_the_environment_says_how_large_it_is(maxsize, kind):
    cache = DogSchool(env={"AGGREGATE_CACHE_MAXSIZE": maxsize}).repository.cache

    assert type(cache) is kind


def test_a_size_that_is_no_number_is_refused():
    with pytest.raises(ValueError) as caught:
        DogSchool(env={"AGGREGATE_CACHE_MAXSIZE": "many"})

    assert str(caught.value) == (
        "AGGREGATE_CACHE_MAXSIZE is 'many'. Give a number of aggregates, or 0 for no limit."
    )


def test_a_switch_that_is_neither_on_nor_off_is_refused():
    with pytest.raises(ValueError, match="AGGREGATE_CACHE_FASTFORWARD is 'perhaps': 'perhaps'"):
        DogSchool(env={"AGGREGATE_CACHE_FASTFORWARD": "perhaps"})


def test_only_newer_events_are_read_for_a_cached_aggregate():
    school = school_with()
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")

    assert school.get_dog(dog_id)["tricks"] == ("sit",)

    assert school.selects == [None, 1]


def test_events_of_others_are_seen():
    school = school_with()
    dog_id = school.register_dog("Fido")
    school.get_dog(dog_id)
    other = Application()
    other.repository.event_store.recorder = school.recorder
    dog = other.repository.get(dog_id)
    dog.add_trick("sit")
    school.events.put(dog.collect_events())

    assert school.get_dog(dog_id)["tricks"] == ("sit",)


def test_changing_an_aggregate_leaves_the_cached_one_alone():
    school = school_with()
    dog_id = school.register_dog("Fido")

    school.repository.get(dog_id).add_trick("sit")

    assert school.repository.get(dog_id).tricks == []


def test_the_cached_object_itself_can_be_had():
    school = school_with(DEEPCOPY_FROM_AGGREGATE_CACHE="n")
    dog_id = school.register_dog("Fido")

    assert school.repository.get(dog_id) is school.repository.get(dog_id)


def test_an_earlier_version_comes_from_its_events():
    school = school_with()
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    school.get_dog(dog_id)

    assert school.repository.get(dog_id, version=1).tricks == []
    assert school.get_dog(dog_id)["tricks"] == ("sit",)


def test_without_fastforward_saved_aggregates_are_taken_as_they_are():
    school = school_with(AGGREGATE_CACHE_FASTFORWARD="n")
    dog = Dog("Fido")
    school.save(dog)
    dog.add_trick("not saved")

    assert school.get_dog(dog.id)["tricks"] == ()
    assert school.selects == []


def test_without_fastforward_a_conflict_makes_the_next_look_a_fresh_one():
    school = school_with(AGGREGATE_CACHE_FASTFORWARD="n")
    dog_id = school.register_dog("Fido")
    other = school.repository.get(dog_id)
    other.add_trick("sit")
    school.events.put(other.collect_events())
    with pytest.raises(IntegrityError):
        school.add_trick(dog_id, "stay")

    school.add_trick(dog_id, "stay")

    assert school.get_dog(dog_id)["tricks"] == ("sit", "stay")


def test_a_discarded_aggregate_is_not_found_though_it_was_cached():
    app = Application(env={"AGGREGATE_CACHE_MAXSIZE": "0"})
    account = Aggregate()
    app.save(account)
    app.repository.get(account.id)
    account.trigger_event(Discarded)
    app.save(account)

    for _ in range(2):
        with pytest.raises(AggregateNotFoundError):
            app.repository.get(account.id)


def test_nothing_is_cached_that_was_not_committed():
    class School(DogSchool):
        def construct_recorder(self):
            return TransactionRecorder()

    school = School(env={"AGGREGATE_CACHE_MAXSIZE": "0"})
    dog_id = school.register_dog("Fido")
    school.get_dog(dog_id)
    with pytest.raises(KeyError):
        school.repository.cache.get(dog_id)

    for callback in school.recorder.callbacks:
        callback()

    assert school.repository.cache.get(dog_id).name == "Fido"


def test_without_fastforward_a_transaction_is_not_given_what_was_before_its_own_save():
    class School(DogSchool):
        def construct_recorder(self):
            return TransactionRecorder()

    school = School(env={"AGGREGATE_CACHE_MAXSIZE": "0", "AGGREGATE_CACHE_FASTFORWARD": "n"})
    dog_id = school.register_dog("Fido")
    for callback in school.recorder.callbacks:
        callback()

    school.add_trick(dog_id, "sit")
    school.add_trick(dog_id, "stay")

    assert school.get_dog(dog_id)["tricks"] == ("sit", "stay")


def test_an_older_aggregate_never_replaces_a_newer_one():
    school = school_with()
    dog_id = school.register_dog("Fido")
    old = school.repository.get(dog_id)
    school.add_trick(dog_id, "sit")
    school.get_dog(dog_id)

    school.repository._keep(school.repository.cache, dog_id, old)

    assert school.repository.cache.get(dog_id).version == 2


def test_fastforward_can_be_skipped_while_another_thread_is_at_it():
    school = school_with(AGGREGATE_CACHE_FASTFORWARD_SKIPPING="y")
    dog_id = school.register_dog("Fido")
    school.get_dog(dog_id)
    school.add_trick(dog_id, "sit")
    reading, go_on = threading.Event(), threading.Event()
    select = school.recorder.select_events

    def select_events(originator_id, **kwargs):
        reading.set()
        assert go_on.wait(20)
        return select(originator_id, **kwargs)

    school.recorder.select_events = select_events
    busy = threading.Thread(target=school.get_dog, args=[dog_id])
    busy.start()
    assert reading.wait(20)

    assert school.repository.get(dog_id).version == 1

    go_on.set()
    busy.join()
    assert school.repository.get(dog_id).version == 2


class TestLRUCache:
    def test_gives_up_the_value_that_was_not_used_for_longest(self):
        cache = LRUCache(2)
        cache.put("a", 1)
        cache.put("b", 2)
        cache.get("a")

        assert cache.put("c", 3) == ("b", 2)
        assert cache.get("a") == 1

    def test_gives_up_nothing_while_there_is_room(self):
        assert LRUCache(1).put("a", 1) == (None, None)

    def test_forgets_when_asked(self):
        cache = LRUCache(2)
        cache.put("a", 1)

        assert cache.get("a", evict=True) == 1
        with pytest.raises(KeyError):
            cache.get("a")


def test_forgetting_what_is_not_there_is_allowed():
    school = DogSchool(env={"AGGREGATE_CACHE_MAXSIZE": "10"})

    school.repository.forget("dog-1")


def test_switches_can_be_given_for_one_look():
    school = DogSchool(env={"AGGREGATE_CACHE_MAXSIZE": "10"})
    dog_id = school.register_dog("Fido")
    look = {"fastforward_skipping": True, "deepcopy_from_cache": False}

    first = school.repository.get(dog_id, **look)

    assert school.repository.get(dog_id, **look) is first
