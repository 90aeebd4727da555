"""Applications with tables of their own: chosen by settings, or by the environment."""

from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from django_eventsourcing.factory import DjangoFactory
from django_eventsourcing.models import StoredEventRecord, TrackingRecord
from django_eventsourcing.runners import ThreadedRunner
from eventsourcing.environment import Environment
from eventsourcing.persistence import DataError, InfrastructureFactoryError, RecordConflictError
from tests.core.school import Counters, DogSchool
from tests.core.styles import text_ids
from tests.django.own_models.models import DogEvent, DogTracking, LetterEvent, LetterSnapshot

pytestmark = pytest.mark.long_elsewhere("mariadb")


def test_the_settings_give_an_application_its_own_tables(configured, database):
    school = configured.get(DogSchool)

    school.add_trick(school.register_dog("Fido"), "sit")

    own = DogEvent.objects.using(database).of("DogSchool")
    assert [event.originator_version for event in own.order_by("id")] == [1, 2]
    assert StoredEventRecord.objects.using(database).count() == 0


def test_a_follower_reads_own_tables_and_keeps_its_position_in_one(configured, database):
    school = configured.get(DogSchool)
    school.add_trick(school.register_dog("Fido"), "sit")

    runner = ThreadedRunner(configured, once=True)
    runner.start()
    assert runner.wait(30)

    assert configured.get(Counters).get_count("sit") == 1
    position = DogTracking.objects.using(database).get()
    assert (position.application_name, position.upstream_name) == ("Counters", "DogSchool")
    assert TrackingRecord.objects.using(database).count() == 0
    assert StoredEventRecord.objects.using(database).of("Counters").count() == 2


def test_the_process_environment_names_models_where_no_setting_does(
    settings, database, monkeypatch
):
    from django_eventsourcing import get_system, registry

    monkeypatch.setenv("DOGSCHOOL_DJANGO_EVENT_MODEL", "own_models.DogEvent")
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.core.school.system", "DATABASE": database}
    }

    system = get_system()

    assert system.models_of("DogSchool").event is DogEvent
    assert system.get(DogSchool).recorder.model is DogEvent
    assert system.get(Counters).recorder.model is StoredEventRecord
    registry.reset()


@pytest.fixture
def school(database):
    """Return an application whose dogs have ids that are text."""
    return text_ids.DogSchool(
        env={
            "PERSISTENCE_MODULE": "django_eventsourcing.factory",
            "DJANGO_DB_ALIAS": database,
            "DJANGO_EVENT_MODEL": "own_models.LetterEvent",
            "DJANGO_SNAPSHOT_MODEL": "own_models.LetterSnapshot",
        }
    )


def test_aggregates_with_text_ids_are_saved_and_read(school, database):
    fido = school.register_dog("Fido")
    school.add_trick(fido, "roll over")
    school.add_trick(fido, "play dead")

    assert fido.startswith("dog-fido-")
    assert school.get_dog(fido) == ("Fido", ("roll over", "play dead"), 3)
    assert school.get_dog(fido, version=2) == ("Fido", ("roll over",), 2)
    assert [n.originator_id for n in school.notification_log.select(1, 10)] == [fido] * 3
    assert LetterEvent.objects.using(database).originator(fido).count() == 3


def test_aggregates_with_text_ids_have_snapshots(school, database):
    fido = school.register_dog("Fido")
    school.add_trick(fido, "roll over")

    assert LetterSnapshot.objects.using(database).get().originator_id == fido
    LetterEvent.objects.using(database).originator(fido).versions(lte=1).delete()
    assert school.get_dog(fido) == ("Fido", ("roll over",), 2)


def test_text_ids_are_compared_exactly(school):
    fido = school.register_dog("Fido")
    (stored,) = school.recorder.select_events(fido)

    for other in (fido.upper(), f"{fido} "):
        assert list(school.recorder.select_events(other)) == []
    with pytest.raises(RecordConflictError, match=f"version 1 of {fido}"):
        school.recorder.insert_events([stored])


@pytest.mark.parametrize(
    ("originator_id", "message"),
    [
        ("x" * 256, "has 256 characters; LetterEvent keeps 255 at most."),
        ("a\0b", "contains a NUL, which databases cannot keep."),
        (
            uuid4(),
            (
                "is a UUID; LetterEvent keeps text only. Name a model for such ids by EVENT or "
                "SNAPSHOT in the application's MODELS."
            ),
        ),
    ],
)
def test_an_id_that_the_table_cannot_keep_is_refused(school, originator_id, message, database):
    event = school.mapper.to_stored_event(text_ids.Dog("Fido").collect_events()[0])
    event = type(event)(originator_id, 1, event.topic, event.state)

    with (
        CaptureQueriesContext(connections[database]) as queries,
        pytest.raises(DataError) as raised,
    ):
        school.recorder.insert_events([event])

    assert str(raised.value).endswith(message)
    assert [q["sql"] for q in queries if LetterEvent._meta.db_table in q["sql"]] == []


def test_an_id_of_the_full_length_is_kept_as_it_is(school):
    event = school.mapper.to_stored_event(text_ids.Dog("Fido").collect_events()[0])
    event = type(event)("ü" * 255, 1, event.topic, event.state)

    school.recorder.insert_events([event])

    assert list(school.recorder.select_events("ü" * 255)) == [event]


@pytest.mark.parametrize(
    ("key", "label", "message"),
    [
        (
            "DJANGO_EVENT_MODEL",
            "shool.DogEvent",
            (
                "DJANGO_EVENT_MODEL is 'shool.DogEvent', which is not a model: No installed app with "
                "label 'shool'.  HINT: Give 'app_label.ModelName', of a model in an app of "
                "INSTALLED_APPS. (django_eventsourcing.E012)"
            ),
        ),
        (
            "DJANGO_TRACKING_MODEL",
            "own_models.DogEvent",
            (
                "DJANGO_TRACKING_MODEL is 'own_models.DogEvent', which does not derive from "
                "AbstractTracking.  HINT: Derive it from "
                "django_eventsourcing.models.AbstractTracking. (django_eventsourcing.E013)"
            ),
        ),
    ],
)
def test_a_model_that_does_not_serve_is_refused_by_the_factory(key, label, message):
    with pytest.raises(InfrastructureFactoryError) as raised:
        DjangoFactory(Environment("Kennel", {key: label}))

    assert str(raised.value) == message
