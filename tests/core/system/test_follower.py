"""Followers: each event once, in order, with the position recorded beside the effects."""

from contextlib import nullcontext

import pytest

from eventsourcing.persistence import AlreadyProcessedError, IntegrityError, Mapper, Tracking
from eventsourcing.system import Follower
from tests.core.school import Counter, Counters, Dog, DogSchool


class Failing(Counters):
    """Counters that cannot count one trick."""

    name = "Counters"
    poison = "sing"

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", None) == self.poison:
            raise RuntimeError("dogs do not sing")
        super().policy(domain_event, processing_event)


class FailingOnce(Counters):
    """Counters that fail once, and ignore everything after that."""

    name = "Counters"
    has_failed = False

    def policy(self, domain_event, processing_event):
        if not self.has_failed:
            self.has_failed = True
            raise RuntimeError("not yet")


@pytest.fixture
def school():
    return DogSchool()


def follower_of(school, cls=Counters):
    follower = cls()
    follower.follow(school.name, school.notification_log, school.mapper)
    return follower


def test_processes_what_was_recorded_before_it_came(school):
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    counters = follower_of(school)

    counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1
    assert counters.recorder.max_tracking_id("DogSchool") == 2


def test_processes_nothing_twice(school):
    school.add_trick(school.register_dog("Fido"), "sit")
    counters = follower_of(school)

    for _ in range(3):
        counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1


def test_moves_its_position_past_events_that_it_ignores(school):
    school.register_dog("Fido")
    counters = follower_of(school)

    counters.pull_and_process("DogSchool")

    assert counters.recorder.max_tracking_id("DogSchool") == 1
    assert counters.recorder.max_notification_id() is None


def test_processes_a_limited_batch(school):
    for _ in range(25):
        school.register_dog("Fido")
    counters = follower_of(school)

    assert counters.process_next("DogSchool") == 10
    assert counters.process_next("DogSchool", 4) == 4
    assert counters.recorder.max_tracking_id("DogSchool") == 14


def test_stops_at_the_failing_event_and_keeps_what_came_before(school):
    dog_id = school.register_dog("Fido")
    for trick in ("sit", "sing", "stay"):
        school.add_trick(dog_id, trick)
    counters = follower_of(school, Failing)

    with pytest.raises(RuntimeError, match="dogs do not sing"):
        counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1
    assert counters.recorder.max_tracking_id("DogSchool") == 2


def test_goes_on_once_the_cause_is_mended(school):
    dog_id = school.register_dog("Fido")
    for trick in ("sit", "sing", "stay"):
        school.add_trick(dog_id, trick)
    counters = follower_of(school, Failing)
    with pytest.raises(RuntimeError):
        counters.pull_and_process("DogSchool")

    counters.poison = None
    counters.pull_and_process("DogSchool")

    assert [counters.get_count(t) for t in ("sit", "sing", "stay")] == [1, 1, 1]


def test_refuses_an_event_that_has_been_processed(school):
    dog = Dog("Fido")
    dog.add_trick("sit")
    event = school.save(dog)[1]
    counters = follower_of(school)
    counters.pull_and_process("DogSchool")

    with pytest.raises(IntegrityError, match="has been processed already: the position is 2"):
        counters.process_event(event.domain_event, Tracking("DogSchool", 2))

    assert counters.get_count("sit") == 1


def test_processes_from_a_given_start_to_a_given_stop(school):
    dog_id = school.register_dog("Fido")
    for trick in ("sit", "stay", "speak"):
        school.add_trick(dog_id, trick)
    counters = follower_of(school)

    counters.pull_and_process("DogSchool", start=2, stop=3)

    assert [counters.get_count(t) for t in ("sit", "stay", "speak")] == [0, 1, 0]


def test_reads_only_the_topics_that_it_names(school):
    class OnlyRegistered(Counters):
        topics = ("tests.core.school:Dog.Registered",)

    school.add_trick(school.register_dog("Fido"), "sit")
    counters = follower_of(school, OnlyRegistered)

    counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 0


def test_reads_a_leader_that_compresses_though_it_does_not_itself():
    school = DogSchool(env={"COMPRESSOR_TOPIC": "zlib"})
    school.add_trick(school.register_dog("Fido"), "sit")
    counters = follower_of(school)

    counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1


def test_makes_the_mapper_from_the_leaders_settings_where_none_is_given():
    env = {"DOGSCHOOL_COMPRESSOR_TOPIC": "zlib"}
    school = DogSchool(env=env)
    school.add_trick(school.register_dog("Fido"), "sit")
    counters = Counters(env=env)
    counters.follow("DogSchool", school.notification_log)

    counters.pull_and_process("DogSchool")

    assert counters.get_count("sit") == 1


def test_has_a_policy_that_does_nothing_by_default(school):
    school.register_dog("Fido")
    follower = follower_of(school, Follower)

    follower.pull_and_process("DogSchool")

    assert follower.recorder.max_tracking_id("DogSchool") == 1


def test_collects_several_aggregates_in_one_transaction(school):
    class Twice(Counters):
        def policy(self, domain_event, processing_event):
            processing_event.collect_events(Counter("a"), Counter("b"))

    school.register_dog("Fido")
    twice = follower_of(school, Twice)

    twice.pull_and_process("DogSchool")

    assert [n.id for n in twice.notification_log["1,10"].items] == [1, 2]


def test_moves_its_position_past_topics_that_it_does_not_name(school):
    class OnlyTricks(Counters):
        topics = ("tests.core.school:Dog.TrickAdded",)

    school.add_trick(school.register_dog("Fido"), "sit")
    last = school.recorder.max_notification_id() + 1
    school.register_dog("Buster")
    counters = follower_of(school, OnlyTricks)

    counters.pull_and_process("DogSchool")

    counters.recorder.wait("DogSchool", last)
    assert counters.get_count("sit") == 1


def test_a_passing_fault_costs_no_event(school):
    class Faulty(Counters):
        name = "Counters"
        faults = 1

        def policy(self, domain_event, processing_event):
            if self.faults and getattr(domain_event, "trick", None) == "sit":
                self.faults -= 1
                raise RuntimeError("busy")
            super().policy(domain_event, processing_event)

    dog_id = school.register_dog("Fido")
    for trick in ("sit", "stay", "sit"):
        school.add_trick(dog_id, trick)
    counters = follower_of(school, Faulty)

    counters.pull_and_process("DogSchool")

    assert (counters.get_count("sit"), counters.get_count("stay")) == (2, 1)


def test_raises_the_error_of_a_single_notification(school):
    school.add_trick(school.register_dog("Fido"), "sing")
    failing = follower_of(school, Failing)
    failing.process_next("DogSchool", 1)

    with pytest.raises(RuntimeError, match="dogs do not sing"):
        failing.process_next("DogSchool", 1)


def test_ends_a_batch_early_when_it_is_interrupted(school):
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    counters = follower_of(school)

    count = counters.process_batch("DogSchool", is_interrupted=lambda: True)

    assert count == 1
    assert counters.recorder.max_tracking_id("DogSchool") == 1


def test_ends_a_batch_early_when_it_has_lasted_long_enough(school):
    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")
    counters = follower_of(school)

    assert counters.process_batch("DogSchool", longest=-1) == 1
    assert counters.process_batch("DogSchool", longest=None) == 1


def test_moves_its_position_past_what_is_set_aside(school):
    dog_id = school.register_dog("Fido")
    for trick in ("sit", "stay", "roll"):
        school.add_trick(dog_id, trick)
    counters = follower_of(school)

    count = counters.process_batch("DogSchool", sets_aside=lambda n: n.id in (2, 4))

    assert count == 4
    assert [counters.get_count(trick) for trick in ("sit", "stay", "roll")] == [0, 1, 0]
    assert counters.recorder.max_tracking_id("DogSchool") == 4


def test_does_not_read_what_is_set_aside(school):
    school.register_dog("Fido")
    counters = follower_of(school)
    counters.mappers["DogSchool"] = None

    assert counters.process_batch("DogSchool", sets_aside=lambda _: True) == 1
    assert counters.recorder.max_tracking_id("DogSchool") == 1


def test_a_position_that_somebody_else_has_moved_stays_where_it_is():
    counters = Counters()
    moved = Tracking("DogSchool", 9)
    counters.recorder.has_tracking_id = lambda name, notification_id: False
    counters.recorder.insert_tracking(moved)

    counters.recorder.pass_over(Tracking("DogSchool", 7))

    assert counters.recorder.max_tracking_id("DogSchool") == 9


def test_a_position_is_not_passed_over_twice():
    counters = Counters()
    counters.recorder.insert_tracking(Tracking("DogSchool", 9))

    counters.recorder.pass_over(Tracking("DogSchool", 9))

    assert counters.recorder.max_tracking_id("DogSchool") == 9


def test_looks_again_when_another_worker_was_faster(school):
    school.add_trick(school.register_dog("Fido"), "sit")
    counters = follower_of(school)
    refusals = [AlreadyProcessedError("another worker was faster")] * 2

    def processing(tracking, *, after=None, last=None):
        if refusals:
            raise refusals.pop()
        return nullcontext()

    counters.recorder.processing = processing

    assert counters.process_next("DogSchool") == 2
    assert counters.get_count("sit") == 1


@pytest.mark.parametrize("size", [1, 10])
def test_a_policy_that_raises_what_workers_raise_does_not_go_on_for_ever(school, size):
    class Sorry(Counters):
        """Counters whose policy is always too late for something of its own."""

        name = "Counters"
        pull_section_size = size

        def policy(self, domain_event, processing_event):
            if getattr(domain_event, "trick", None) == "sing":
                raise AlreadyProcessedError("the policy's own")
            super().policy(domain_event, processing_event)

    dog_id = school.register_dog("Fido")
    for trick in ("sit", "sing", "sit"):
        school.add_trick(dog_id, trick)
    counters = follower_of(school, Sorry)

    with pytest.raises(AlreadyProcessedError, match="the policy's own"):
        counters.pull_and_process("DogSchool")

    assert counters.recorder.max_tracking_id("DogSchool") == 2
    assert counters.get_count("sit") == 1


def test_claims_the_first_position_of_a_batch_after_the_one_that_it_is_at(school):
    for _ in range(4):
        school.register_dog("Fido")
    counters = follower_of(school)
    claims = []

    def processing(tracking, *, after=None, last=None):
        claims.append((tracking, after))
        return nullcontext()

    counters.recorder.processing = processing
    counters.process_next("DogSchool", 3)
    counters.process_next("DogSchool", 3)

    assert claims == [(Tracking("DogSchool", 1), 0), (Tracking("DogSchool", 4), 3)]


def test_processes_no_more_singly_than_were_asked_for(school):
    for _ in range(5):
        school.register_dog("Fido")
    counters = follower_of(school, FailingOnce)

    assert counters.process_next("DogSchool", 3, start=1) == 3
    assert counters.recorder.max_tracking_id("DogSchool") == 4


def test_goes_singly_to_the_given_stop(school):
    for _ in range(5):
        school.register_dog("Fido")
    counters = follower_of(school, FailingOnce)

    assert counters.process_next("DogSchool", stop=3) == 3
    assert counters.recorder.max_tracking_id("DogSchool") == 3


def test_makes_the_mapper_of_the_class_that_it_uses_itself(school):
    class OwnMapper(Mapper):
        pass

    class WithOwnMapper(Counters):
        def construct_mapper(self):
            return OwnMapper(self.construct_transcoder())

    counters = WithOwnMapper()
    counters.follow("DogSchool", school.notification_log)

    assert type(counters.mappers["DogSchool"]) is OwnMapper


def test_pulls_what_comes_after_its_position(school):
    for _ in range(3):
        school.register_dog("Fido")
    counters = follower_of(school)
    counters.process_next("DogSchool", 1)

    assert [n.id for n in counters.pull_notifications("DogSchool")] == [2, 3]
    assert [n.id for n in counters.pull_notifications("DogSchool", 1, start=2)] == [3]
