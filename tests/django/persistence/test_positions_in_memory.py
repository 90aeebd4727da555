"""Positions in memory: a follower need not look where it has come to itself, and is never misled."""

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.models import TrackingRecord
from eventsourcing.persistence import AlreadyProcessedError, Tracking
from eventsourcing.system import ProcessApplication
from tests.core.school import Counter, Counters, Dog, DogSchool


def env_of(database):
    return {"PERSISTENCE_MODULE": "django_eventsourcing.factory", "DJANGO_DB_ALIAS": database}


@pytest.fixture
def school(database):
    return DogSchool(env_of(database))


@pytest.fixture
def follow(database, school):
    def follow(cls=Counters):
        follower = cls(env_of(database))
        follower.follow("DogSchool", school.notification_log, school.mapper)
        return follower

    return follow


class Forgetful(ProcessApplication):
    """Notes what it processes, in memory."""

    name = "Counters"
    topics = ()

    def __init__(self, env=None):
        super().__init__(env)
        self.seen = []

    def policy(self, domain_event, processing_event):
        self.seen.append(getattr(domain_event, "trick", "registered"))


class Selective(Forgetful):
    """Processes what dogs have been taught, and nothing else."""

    name = "Counters"
    topics = ("tests.core.school:Dog.TrickAdded",)


@pytest.fixture
def dog_id(school):
    return school.register_dog("Fido")


def put_back(database, position=0):
    TrackingRecord.objects.using(database).update(notification_id=position)


def test_a_batch_that_follows_another_looks_up_no_position(database, school, follow, dog_id):
    follower = follow()
    follower.process_batch("DogSchool")
    school.add_trick(dog_id, "sit")

    with CaptureQueriesContext(connections[database]) as queries:
        assert follower.process_batch("DogSchool") == 1

    table = TrackingRecord._meta.db_table
    assert [q for q in queries if q["sql"].startswith("SELECT") and table in q["sql"]] == []


@pytest.mark.parametrize("is_new", [False, True])
def test_a_position_that_was_set_back_is_noticed_at_the_next_look(
    database, school, follow, dog_id, is_new
):
    follower = follow(Forgetful)
    school.add_trick(dog_id, "sit")
    follower.pull_and_process("DogSchool")

    put_back(database)
    if is_new:
        school.add_trick(dog_id, "stay")
    follower.pull_and_process("DogSchool")

    again = ["registered", "sit", *(["stay"] if is_new else [])]
    assert follower.seen == ["registered", "sit", *again]


def test_a_position_that_another_worker_has_moved_is_noticed(school, follow, dog_id):
    follower, other = follow(Forgetful), follow(Forgetful)
    follower.pull_and_process("DogSchool")
    school.add_trick(dog_id, "sit")
    other.pull_and_process("DogSchool")
    school.add_trick(dog_id, "stay")

    follower.pull_and_process("DogSchool")

    assert (follower.seen, other.seen) == (["registered", "stay"], ["registered", "sit"][1:])


def test_a_batch_that_is_refused_looks_up_the_position_the_next_time(school, follow, dog_id):
    follower, other = follow(Forgetful), follow(Forgetful)
    follower.process_batch("DogSchool")
    school.add_trick(dog_id, "sit")
    other.process_batch("DogSchool")
    school.add_trick(dog_id, "stay")

    with pytest.raises(AlreadyProcessedError, match="has been processed already"):
        follower.process_batch("DogSchool")

    assert follower.process_batch("DogSchool") == 1
    assert follower.seen == ["registered", "stay"]


@pytest.mark.parametrize("is_new", [False, True])
def test_what_was_processed_in_a_transaction_that_is_rolled_back_is_done_again(
    database, school, follow, dog_id, is_new
):
    follower = follow()
    follower.pull_and_process("DogSchool")
    school.add_trick(dog_id, "sit")

    with transaction.atomic(using=database):
        follower.pull_and_process("DogSchool")
        transaction.set_rollback(True, using=database)
    if is_new:
        school.add_trick(dog_id, "sit")
    follower.pull_and_process("DogSchool")

    assert follower.get_count("sit") == (2 if is_new else 1)


@pytest.mark.parametrize("is_new", [False, True])
def test_what_a_savepoint_has_taken_back_is_done_again_in_the_same_transaction(
    database, school, follow, dog_id, is_new
):
    follower = follow()
    follower.pull_and_process("DogSchool")
    school.add_trick(dog_id, "sit")

    with transaction.atomic(using=database):
        with transaction.atomic(using=database):
            follower.pull_and_process("DogSchool")
            transaction.set_rollback(True, using=database)
        if is_new:
            school.add_trick(dog_id, "sit")
        follower.pull_and_process("DogSchool")

    assert follower.get_count("sit") == (2 if is_new else 1)


def test_a_batch_that_fails_is_done_again(school, follow, dog_id):
    class Failing(Forgetful):
        name = "Counters"

        def policy(self, domain_event, processing_event):
            super().policy(domain_event, processing_event)
            if self.seen[-1] == "bad" and len(self.seen) < 4:
                raise ValueError("bad")

    follower = follow(Failing)
    school.add_trick(dog_id, "sit")
    follower.process_batch("DogSchool")
    school.add_trick(dog_id, "bad")

    with pytest.raises(ValueError, match="bad"):
        follower.process_batch("DogSchool")
    assert follower.process_batch("DogSchool") == 1

    assert follower.seen == ["registered", "sit", "bad", "bad"]
    assert follower.process_batch("DogSchool") == 0


def test_with_topics_what_is_passed_over_is_not_read_again(database, school, follow, dog_id):
    selective = follow(Selective)
    school.add_trick(dog_id, "sit")
    for _ in range(12):
        school.register_dog("Rex")

    selective.pull_and_process("DogSchool")
    school.add_trick(dog_id, "stay")
    selective.pull_and_process("DogSchool")
    put_back(database)
    selective.pull_and_process("DogSchool")

    assert selective.seen == ["sit", "stay", "sit", "stay"]
    assert selective.recorder.max_tracking_id("DogSchool") == (
        school.recorder.max_notification_id()
    )


def test_a_start_and_a_stop_are_kept_to(school, follow, dog_id):
    for trick in "abcde":
        school.add_trick(dog_id, trick)
    first = school.recorder.select_notifications(None, 1)[0].id
    follower = follow(Forgetful)

    follower.pull_and_process("DogSchool", stop=first + 1)
    follower.pull_and_process("DogSchool", stop=first + 1)
    follower.pull_and_process("DogSchool", start=first + 2, stop=first + 3)
    follower.pull_and_process("DogSchool", start=first)

    assert follower.seen == ["registered", "a", "c", "d", "e"]


@pytest.mark.parametrize("number", [3, 10, 25])
def test_it_goes_on_until_there_are_no_more(school, follow, dog_id, number):
    for trick in range(number):
        school.add_trick(dog_id, trick)
    follower = follow(Forgetful)

    follower.pull_and_process("DogSchool")

    assert follower.seen == ["registered", *range(number)]


class Countdown(ProcessApplication):
    """Follows itself: each of its events leads to the next, as long as there is one."""

    def begin(self, number):
        counter = Counter(f"{number}")
        self.save(counter)

    def policy(self, domain_event, processing_event):
        number = int(domain_event.name)
        if number:
            processing_event.collect_events(Counter(f"{number - 1}"))


def test_who_follows_itself_goes_on_until_there_are_no_more(database):
    countdown = Countdown(env_of(database))
    countdown.follow("Countdown", countdown.notification_log, countdown.mapper)
    countdown.begin(12)

    countdown.pull_and_process("Countdown")

    assert len(countdown.recorder.select_notifications(None, 100)) == 13
    assert countdown.recorder.max_tracking_id("Countdown") == (
        countdown.recorder.max_notification_id()
    )


class Teacher(ProcessApplication):
    """Has the school that it follows record something more, up to a point."""

    name = "Counters"
    school: DogSchool

    def policy(self, domain_event, processing_event):
        if isinstance(domain_event, Dog.TrickAdded) and domain_event.trick < 3:
            self.school.add_trick(domain_event.originator_id, domain_event.trick + 1)


@pytest.mark.parametrize("is_within", [False, True])
def test_what_a_policy_has_its_upstream_record_is_processed_too(
    database, school, follow, dog_id, is_within
):
    teacher = follow(Teacher)
    teacher.school = school
    school.add_trick(dog_id, 0)

    if is_within:
        with transaction.atomic(using=database):
            teacher.pull_and_process("DogSchool")
    else:
        teacher.pull_and_process("DogSchool")

    assert school.get_dog(dog_id)["tricks"] == (0, 1, 2, 3)


@pytest.mark.parametrize("reached", [None, 21, 25, 29])
def test_the_position_is_what_was_processed_whatever_was_in_hand(process_recorder, reached):
    process_recorder.insert_tracking(Tracking("DogSchool", 20))

    with process_recorder.processing(Tracking("DogSchool", 21), after=20, last=29):
        assert process_recorder.max_tracking_id("DogSchool") == 20
        if reached is not None:
            process_recorder.insert_tracking(Tracking("DogSchool", reached))
        assert process_recorder.max_tracking_id("DogSchool") == (reached or 20)

    assert process_recorder.max_tracking_id("DogSchool") == (reached or 20)


@pytest.mark.parametrize("reached", [None, 1, 5])
def test_the_first_position_is_what_was_processed(process_recorder, reached):
    with process_recorder.processing(Tracking("DogSchool", 1), after=0, last=5):
        assert process_recorder.max_tracking_id("DogSchool") is None
        if reached is not None:
            process_recorder.insert_tracking(Tracking("DogSchool", reached))
        assert process_recorder.max_tracking_id("DogSchool") == reached

    assert process_recorder.max_tracking_id("DogSchool") == reached


def test_positions_that_are_forgotten_are_looked_up(database, school, follow, dog_id):
    follower = follow(Forgetful)
    follower.process_batch("DogSchool")
    put_back(database)

    follower.forget_positions()
    school.add_trick(dog_id, "sit")

    assert follower.process_batch("DogSchool") == 2
