"""Resetting: a follower goes on from another position, and workers find it there."""

import itertools

import pytest

from django_eventsourcing import get_system, registry
from django_eventsourcing.dead_letters import Parking
from django_eventsourcing.models import (
    DeadLetterRecord,
    FollowerRecord,
    ProjectionRecord,
    TrackingRecord,
)
from django_eventsourcing.resetting import Reset, ResetError
from django_eventsourcing.runners import ThreadedRunner
from django_eventsourcing.runners.pipe import Pipe
from django_eventsourcing.signals import follower_reset
from eventsourcing.persistence import AlreadyProcessedError, Tracking
from tests.core.school import DogSchool
from tests.django.dead_letters.clerks import PARKS
from tests.django.mailing import Mail, Mailer
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("mariadb")


@pytest.fixture
def configured(settings, database, monkeypatch):
    """Return what configures the mailing system, of which nothing has been sent yet."""
    monkeypatch.setattr(Mailer, "sent", [])

    def configure(**applications):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.mailing.mailing_system",
                "DATABASE": database,
                "APPLICATIONS": applications,
                "OPTIONS": {"POLL_INTERVAL": 0.02, "BATCH_SIZE": 3},
            }
        }
        return get_system()

    yield configure
    registry.reset()


def record_events(system, count):
    """Record so many events; return the ids of all there are."""
    school = system.get(DogSchool)
    for _ in range(count):
        school.register_dog("Fido")
    return [each.id for each in school.recorder.select_notifications(None, 1_000)]


def pipe_of(system, name="Mailer"):
    mailer = system.get(name)
    parking = Parking(system, mailer, "DogSchool", PARKS)
    return Pipe(system.get(DogSchool), mailer, 3, lambda: False, parking)


def process(pipe):
    while pipe.step():
        pass


def position(system, name="Mailer"):
    return system.get(name).recorder.max_tracking_id("DogSchool")


def reset(system, to, *, upstream="DogSchool", name="Mailer", reason="a test", **options):
    return Reset(system, name, upstream, to, **options).run(reason=reason)


class TestPositions:
    def test_what_comes_after_it_is_processed_again(self, configured):
        system = configured()
        ids = record_events(system, 5)
        pipe = pipe_of(system)
        process(pipe)

        before = reset(system, ids[1])
        process(pipe)

        assert before == {"Mailer": ids[-1]}
        assert Mailer.sent == [*ids, *ids[2:]]
        assert position(system) == ids[-1]

    def test_0_is_the_beginning(self, configured):
        system = configured()
        ids = record_events(system, 2)
        pipe = pipe_of(system)
        process(pipe)

        reset(system, 0)
        process(pipe)

        assert Mailer.sent == [*ids, *ids]

    def test_what_comes_before_it_is_left_out(self, configured):
        system = configured()
        ids = record_events(system, 5)

        assert reset(system, ids[3]) == {"Mailer": 0}
        process(pipe_of(system))

        assert Mailer.sent == ids[4:]

    def test_segments_are_reset_together(self, configured):
        system = configured(Mailer={"SEGMENTS": 2})
        ids = record_events(system, 6)
        pipes = [pipe_of(system, name) for name in ("Mailer[1/2]", "Mailer[2/2]")]
        for pipe in pipes:
            process(pipe)

        before = reset(system, ids[2])
        for pipe in pipes:
            process(pipe)

        assert before == {"Mailer[1/2]": ids[-1], "Mailer[2/2]": ids[-1]}
        assert sorted(Mailer.sent) == sorted([*ids, *ids[3:]])


class TestWorkers:
    def test_what_a_worker_has_read_is_not_processed_from_the_old_position(self, configured):
        system = configured()
        ids = record_events(system, 4)
        pipe = pipe_of(system)
        process(pipe)
        [*more] = record_events(system, 1)

        reset(system, ids[0])

        recorder = system.get(Mailer).recorder
        with (
            pytest.raises(AlreadyProcessedError, match=f"the position is {ids[0]}"),
            recorder.processing(Tracking("DogSchool", more[-1]), after=ids[-1]),
        ):
            pytest.fail("The position was claimed.")
        assert position(system) == ids[0]

    def test_under_a_worker_no_event_is_passed_by_and_each_reset_counts(self, configured):
        system = configured()
        ids = record_events(system, 30)
        runner = ThreadedRunner(system, followers=["Mailer"])
        runner.start()
        try:
            for index in (5, 0, 12, 3, 20, 1):
                wait_until(lambda: (position(system) or 0) > ids[7], "the mailer works")
                reset(system, ids[index])
            ids = record_events(system, 2)
            wait_until(lambda: position(system) == ids[-1], "the mailer has caught up")
        finally:
            runner.stop()
            assert runner.wait(20)

        after = dict(itertools.pairwise(ids))
        restarts = {ids[index + 1] for index in (5, 0, 12, 3, 20, 1)}
        sent = Mailer.sent
        for last, this in itertools.pairwise(sent):
            assert this == after.get(last) or this in restarts
        assert sum(after.get(a) != b for a, b in itertools.pairwise(sent)) <= 6
        assert sent.count(ids[-1]) == 1

    def test_a_worker_that_has_stopped_at_a_failure_tries_again_from_there(
        self, configured, database
    ):
        system = configured()
        ids = record_events(system, 2)
        FollowerRecord.objects.using(database).create(
            application_name="Mailer",
            upstream_name="DogSchool",
            notification_id=ids[1],
            error="SMTPException",
            traceback="line 7",
            attempts=3,
        )

        reset(system, ids[0])

        record = FollowerRecord.objects.using(database).get()
        assert (record.notification_id, record.error, record.traceback) == (None, "", "")
        assert record.retry_requested_at is not None


class TestPlan:
    def test_says_how_many_are_processed_again(self, configured):
        system = configured()
        ids = record_events(system, 5)
        process(pipe_of(system))

        plan = Reset(system, "Mailer", "DogSchool", ids[1]).plan()

        assert (plan.before, plan.to, plan.head) == (ids[-1], ids[1], ids[-1])
        assert (plan.events, plan.is_more) == (3, False)
        assert (plan.goes_back, plan.leaves_out) == (True, False)
        assert plan.records_again is False
        assert position(system) == ids[-1]

    def test_says_how_many_are_left_out(self, configured):
        system = configured()
        ids = record_events(system, 5)

        plan = Reset(system, "Mailer", "DogSchool", ids[1]).plan()

        assert (plan.before, plan.events, plan.leaves_out) == (0, 2, True)

    def test_counts_to_a_limit(self, configured, monkeypatch):
        from django_eventsourcing import resetting

        monkeypatch.setattr(resetting, "COUNT_LIMIT", 3)
        system = configured()
        record_events(system, 5)
        process(pipe_of(system))

        plan = Reset(system, "Mailer", "DogSchool", 0).plan()

        assert (plan.events, plan.is_more) == (3, True)


class TestRefusals:
    """What cannot be reset, before anything is changed."""

    def assert_refused(self, system, to, text, **options):
        before = list(TrackingRecord.objects.using(system.database_of("Mailer")).values())
        for act in (
            lambda: Reset(
                system, options.get("name", "Mailer"), options.get("upstream", "DogSchool"), to
            ).plan(),
            lambda: reset(system, to, **options),
        ):
            with pytest.raises(ResetError) as caught:
                act()
            assert str(caught.value) == text
        assert list(TrackingRecord.objects.using(system.database_of("Mailer")).values()) == before

    def test_a_reason_is_needed(self, configured):
        with pytest.raises(ResetError, match="A follower is not reset without a reason."):
            reset(configured(), 0, reason=" ")

    def test_another_upstream(self, configured):
        self.assert_refused(
            configured(),
            0,
            "Mailer does not follow 'Cats'.  HINT: It follows DogSchool.",
            upstream="Cats",
        )

    def test_a_position_beyond_the_log(self, configured):
        system = configured()
        head = record_events(system, 1)[-1]

        self.assert_refused(
            system,
            head + 1,
            f"Mailer cannot be set to {head + 1} of DogSchool, whose log ends at {head}.  "
            f"HINT: Give a number from 0 to {head}.",
        )

    def test_a_projection(self, configured):
        self.assert_refused(
            configured(),
            0,
            "Board is a model projection: its rows would have the effects of events twice, or lack "
            "some.  HINT: Make them again: manage.py es_rebuild Board",
            name="Board",
        )

    def test_a_synchronous_follower(self, configured):
        system = configured(Mailer={"SYNC": True})
        record_events(system, 1)

        self.assert_refused(
            system,
            0,
            "Mailer is synchronous in DogSchool: it processes in the transactions that record, and "
            "has no position.  HINT: See 'manage.py es_sync Mailer --off'.",
        )

    def test_one_that_is_kept_in_memory(self, configured):
        system = configured(Mailer={"ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"}})

        with pytest.raises(ResetError, match="Mailer is kept in the memory of each process"):
            reset(system, 0)

    def test_one_that_is_being_rebuilt(self, configured, database):
        ProjectionRecord.objects.using(database).create(application_name="Mailer", kind="in place")

        self.assert_refused(
            configured(),
            0,
            "Mailer is being rebuilt.  HINT: Let that be done first: see 'manage.py es_status'.",
        )

    def test_while_something_is_parked_after_the_position(self, configured, database):
        system = configured()
        ids = record_events(system, 3)
        process(pipe_of(system))
        DeadLetterRecord.objects.using(database).create(
            application_name="Mailer",
            upstream_name="DogSchool",
            notification_id=ids[1],
            originator_id="x",
            originator_version=1,
        )

        self.assert_refused(
            system,
            ids[0],
            f"Mailer has parked notification {ids[1]} of DogSchool, which is after {ids[0]}: it "
            "would be processed twice.  HINT: Retry or discard it first: manage.py es_deadletters "
            "Mailer",
        )
        reset(system, ids[1])
        assert position(system) == ids[1]

    def test_one_that_has_recorded_events_unless_that_is_said(self, configured):
        system = configured()
        ids = record_events(system, 2)
        process(pipe_of(system))
        system.get(Mailer).save(Mail())

        assert Reset(system, "Mailer", "DogSchool", 0).plan().records_again is True
        with pytest.raises(ResetError) as caught:
            reset(system, 0)
        assert str(caught.value) == (
            "Mailer has recorded events of its own: what it processes again may record them "
            "twice.  HINT: If its policy sees to it that nothing is doubled, say so by "
            "--record-again."
        )
        assert position(system) == ids[-1]

        reset(system, 0, records_again=True)
        assert position(system) is None

    def test_one_that_leaves_something_out_may_have_recorded_events(self, configured):
        system = configured()
        ids = record_events(system, 2)
        system.get(Mailer).save(Mail())

        reset(system, ids[0])

        assert position(system) == ids[0]


def test_a_signal_tells_of_it_with_the_reason(configured, caplog):
    heard = []

    def hear(sender, **values):
        heard.append((sender, values["before"], values["to"], values["reason"]))

    system = configured()
    ids = record_events(system, 2)
    process(pipe_of(system))
    follower_reset.connect(hear)
    try:
        Reset(system, "Mailer", "DogSchool", ids[0]).run(reason="lost mail", by="Ann")
    finally:
        follower_reset.disconnect(hear)

    assert heard == [(Mailer, ids[1], ids[0], "lost mail (Ann)")]
    assert f"Mailer is set from {ids[1]} to {ids[0]} of DogSchool: lost mail (Ann)" in caplog.text
