"""Projections into Django models: a row and the position commit together, and threads clean up."""

import threading

import pytest
from django import db
from django.db import connections

from django_eventsourcing import event_metadata, processed_event
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.recorders import DjangoApplicationRecorder
from eventsourcing.application import ProcessingEvent
from eventsourcing.persistence import OperationalError, PersistenceError
from eventsourcing.projection import (
    EventSourcedProjection,
    EventSourcedProjectionRunner,
    ProjectionRunner,
)
from tests.core.school import Counter, DogSchool
from tests.databases import on
from tests.django.own_models.models import TrickCount
from tests.django.runners.servers import cut_connection
from tests.django.trick_view import TrickProjection, TrickView
from tests.waiting import wait_until


@pytest.fixture
def env(database):
    return {"PERSISTENCE_MODULE": "django_eventsourcing.factory", "DJANGO_DB_ALIAS": database}


@pytest.fixture
def run(env):
    return lambda: ProjectionRunner(
        application_class=DogSchool,
        projection_class=TrickProjection,
        view_class=TrickView,
        env=env,
    )


@pytest.fixture
def school(env):
    """Return another instance of the application, as in another process."""
    return DogSchool(env)


def last_id(app):
    return app.recorder.max_notification_id()


def teach(school, *tricks):
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)


def test_the_view_follows_what_was_recorded_before_and_what_is_recorded_now(run, school):
    teach(school, "sit", "roll over")

    with run() as runner:
        teach(runner.app, "sit")
        runner.wait(last_id(runner.app), timeout=30)

        assert runner.view.counts == {"sit": 2, "roll over": 1}


def test_all_is_woken_by_commits_rather_than_by_looking_again(run):
    with run() as runner:
        runner.view.poll_interval = runner.app.recorder.poll_interval = None
        teach(runner.app, "sit")

        runner.wait(last_id(runner.app), timeout=30)

        assert runner.view.counts == {"sit": 1}


def test_a_wait_for_the_last_event_ends_though_the_projection_passes_it_over(run):
    with run() as runner:
        teach(runner.app, "sit")
        runner.app.register_dog("Rex")

        runner.wait(last_id(runner.app), timeout=30)

        assert runner.view.max_tracking_id("DogSchool") == last_id(runner.app)


def test_commits_of_other_processes_are_found_by_polling(run, school):
    with run() as runner:
        runner.app.recorder.poll_interval = 0.01
        teach(school, "sit")
        wait_until(lambda: runner.view.counts == {"sit": 1}, "the view has followed")


def test_a_runner_goes_on_where_the_one_before_it_ended(run, school):
    teach(school, "sit")
    with run() as runner:
        runner.wait(last_id(school), timeout=30)
    teach(school, "sit")

    with run() as runner:
        runner.wait(last_id(school), timeout=30)

        assert runner.view.counts == {"sit": 2}


def test_row_and_position_are_rolled_back_together(run, school, monkeypatch):
    def fail(view, trick):
        raise ValueError("the view's own")

    monkeypatch.setattr(TrickView, "after", fail)
    teach(school, "sit")

    with pytest.raises(ValueError, match="the view's own"), run() as runner:
        runner.run_forever(timeout=30)

    assert runner.view.counts == {}
    assert runner.view.max_tracking_id("DogSchool") != last_id(school)


@on("postgres", "mariadb")
def test_a_connection_lost_while_an_event_is_processed_ends_the_runner_and_leaves_nothing(
    run, school, database, monkeypatch
):
    def cut_once(view, trick):
        monkeypatch.undo()
        cut_connection(database)

    monkeypatch.setattr(TrickView, "after", cut_once)
    teach(school, "sit")

    with pytest.raises((db.Error, PersistenceError)), run() as runner:
        runner.run_forever(timeout=30)
    assert TrickCount.objects.using(database).count() == 0

    with run() as runner:
        runner.wait(last_id(school), timeout=30)
        assert runner.view.counts == {"sit": 1}


@on("postgres", "mariadb")
def test_a_connection_lost_between_two_looks_is_opened_again(run, school, database):
    cut = threading.Event()

    with run() as runner:
        runner.app.recorder.poll_interval = 0.01
        renew = runner.app.recorder.renew

        def cut_once():
            if not cut.is_set():
                cut_connection(database)
                cut.set()
            renew()

        runner.app.recorder.renew = cut_once
        assert cut.wait(30)
        teach(school, "sit")
        wait_until(lambda: runner.view.counts == {"sit": 1}, "the view has followed")
        assert not runner.is_interrupted.is_set()


def test_a_database_that_does_not_answer_ends_the_runner_with_its_error(run, monkeypatch):
    def fail(recorder):
        raise OperationalError("the database is gone")

    monkeypatch.setattr(DjangoApplicationRecorder, "renew", fail)

    with pytest.raises(OperationalError, match="the database is gone"), run() as runner:
        runner.run_forever(timeout=30)


def test_the_thread_of_a_runner_closes_its_connection_at_the_end(run, school, database):
    held = []

    with run() as runner:
        before = runner.app.factory.release

        def release():
            before()
            held.append(connections[database].connection)

        runner._releases = [*runner._releases, release]
        teach(runner.app, "sit")
        runner.wait(last_id(runner.app), timeout=30)

    assert held == [None]
    assert connections[database].connection is not None


class Tally(EventSourcedProjection):
    """Counts all tricks."""

    topics = TrickProjection.topics

    def policy(self, domain_event, processing_event: ProcessingEvent):
        counter_id = Counter.create_id("all")
        found = counter_id in self.repository
        counter = self.repository.get(counter_id) if found else Counter("all")
        counter.increment()
        processing_event.collect_events(counter)


def test_an_event_sourced_projection_records_what_follows_once(env, school):
    teach(school, "sit", "stay")

    for _ in range(2):
        with EventSourcedProjectionRunner(
            application_class=DogSchool, projection_class=Tally, env=env
        ) as runner:
            runner.wait(last_id(school), timeout=30)

            assert runner.projection.repository.get(Counter.create_id("all")).count == 2


def test_what_was_recorded_with_an_event_reaches_the_projection(run, school, monkeypatch):
    seen = []
    monkeypatch.setattr(TrickView, "after", lambda *_: seen.append(processed_event()))
    with event_metadata(user="ann"):
        teach(school, "sit")

    with run() as runner:
        runner.wait(last_id(school), timeout=30)

    (event,) = seen
    assert (event.notification_id, event.metadata) == (last_id(school), {"user": "ann"})


def test_what_an_event_sourced_projection_records_has_its_correlation(env, school, database):
    with event_metadata(correlation_id="request 1"):
        teach(school, "sit")

    with EventSourcedProjectionRunner(
        application_class=DogSchool, projection_class=Tally, env=env
    ) as runner:
        runner.wait(last_id(school), timeout=30)

    follows = StoredEventRecord.objects.using(database).of("Tally").latest("id")
    assert follows.metadata == {
        "correlation_id": "request 1",
        "causation_id": f"DogSchool:{last_id(school)}",
    }


@on("postgres", "mariadb")
@pytest.mark.django_db(transaction=True, databases="__all__")
def test_a_runner_across_two_databases_closes_the_connections_of_both(database, env):
    held = []
    env = {**env, "DOGSCHOOL_DJANGO_DB_ALIAS": "default"}

    with EventSourcedProjectionRunner(
        application_class=DogSchool, projection_class=Tally, env=env
    ) as runner:
        runner._releases = [
            *runner._releases,
            lambda: held.extend(connections[a].connection for a in ("default", database)),
        ]
        teach(runner.app, "sit")
        runner.wait(last_id(runner.app), timeout=30)

    assert held == [None, None]
