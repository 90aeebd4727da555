"""Checks of models that the settings name, and of what their tables have been given."""

import pytest
from django.core import checks
from django.core.management import call_command

from django_eventsourcing.databases import DatabaseNotReadyError
from django_eventsourcing.problems import ConfigurationError
from django_eventsourcing.registry import get_system, reset
from tests.databases import on
from tests.django.own_models.school import values

WHERE = "EVENTSOURCING['default']['APPLICATIONS']['DogSchool']"


def configure(settings, models, **others):
    settings.EVENTSOURCING = {
        "default": values(APPLICATIONS={"DogSchool": {"MODELS": models}}, **others)
    }


def found(databases=()):
    return [
        f"{message.id.partition('.')[2]} {message.msg}  HINT: {message.hint}"
        for message in checks.run_checks(tags=["eventsourcing"], databases=databases)
    ]


def test_models_that_serve_pass(settings):
    settings.EVENTSOURCING = {"default": values()}

    assert found() == []


FAULTS = [
    (
        {"EVENT": 3},
        f"E006 {WHERE}['MODELS']['EVENT'] is 3.  HINT: Give the label of a model: 'app.Model'.",
    ),
    (
        {"EVENTS": "own_models.DogEvent"},
        f"E001 {WHERE}['MODELS'] has the unknown key 'EVENTS'.  HINT: Did you mean 'EVENT'?",
    ),
    (
        {"EVENT": "DogEvent"},
        (
            f"E012 {WHERE}['MODELS']['EVENT'] is 'DogEvent', which is not a model: it is not of "
            "the form 'app_label.ModelName'.  HINT: Give 'app_label.ModelName', of a model in an app "
            "of INSTALLED_APPS."
        ),
    ),
    (
        {"EVENT": "shool.DogEvent"},
        (
            f"E012 {WHERE}['MODELS']['EVENT'] is 'shool.DogEvent', which is not a model: No installed "
            "app with label 'shool'.  HINT: Give 'app_label.ModelName', of a model in an app of "
            "INSTALLED_APPS."
        ),
    ),
    (
        {"SNAPSHOT": "own_models.CatSnapshot"},
        (
            f"E012 {WHERE}['MODELS']['SNAPSHOT'] is 'own_models.CatSnapshot', which is not a model: "
            "App 'own_models' doesn't have a 'CatSnapshot' model.  HINT: Give 'app_label.ModelName', "
            "of a model in an app of INSTALLED_APPS."
        ),
    ),
    (
        {"EVENT": "auth.Group"},
        (
            f"E013 {WHERE}['MODELS']['EVENT'] is 'auth.Group', which does not derive from "
            "AbstractStoredEvent.  HINT: Derive it from "
            "django_eventsourcing.models.AbstractStoredEvent."
        ),
    ),
]


@pytest.mark.parametrize(("models", "text"), FAULTS)
def test_a_model_that_does_not_serve_is_told_by_a_check(settings, models, text):
    configure(settings, models)

    assert found() == [text]


@pytest.mark.parametrize(("models", "text"), FAULTS)
def test_the_same_text_is_told_where_the_system_is_used(settings, models, text):
    configure(settings, models)
    code, _, text = text.partition(" ")

    with pytest.raises(ConfigurationError) as raised:
        get_system()

    assert str(raised.value) == f"{text} (django_eventsourcing.{code})"


def test_all_models_that_do_not_serve_are_told_at_once(settings):
    configure(settings, {"EVENT": "auth.Group", "TRACKING": "auth.Group"})

    assert [text[:4] for text in found()] == ["E013", "E013"]


@pytest.mark.parametrize("key", ["DJANGO_EVENT_MODEL", "DOGSCHOOL_DJANGO_TRACKING_MODEL"])
def test_a_model_is_not_named_by_an_environment_in_the_settings(settings, key):
    configure(settings, {}, ENV={key: "own_models.DogEvent"})
    kind = key.split("_")[-2]

    assert found() == [
        (
            f"E006 EVENTSOURCING['default']['ENV'] has the key '{key}'.  HINT: Name it in "
            f"APPLICATIONS, by {kind} in the application's MODELS."
        )
    ]


@on("postgres")
def test_w002_an_event_table_without_its_trigger(settings, database):
    configure(settings, {"EVENT": "own_models.UnorderedEvent"}, DATABASE=database)

    assert found(databases=[database]) == [
        (
            f"W002 The table of own_models.UnorderedEvent in the database '{database}' has no "
            "trigger that keeps events in commit order: followers may skip events that are not "
            "inserted by Django's ORM.  HINT: Add AddCommitOrder('UnorderedEvent'), of "
            "django_eventsourcing.operations, to a migration of 'own_models', and migrate the "
            "database."
        )
    ]
    assert found() == []


def test_tables_with_what_they_need_pass(settings, database):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)

    assert found(databases=[database]) == []


@on("default", "mariadb")
def test_a_trigger_is_needed_on_postgresql_alone(settings, database):
    configure(settings, {"EVENT": "own_models.UnorderedEvent"}, DATABASE=database)

    assert found(databases=[database]) == []


@on("postgres")
def test_a_table_that_is_not_there_yet_is_no_matter_of_this_check(settings, database):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)
    migrate = {"app_label": "own_models", "database": database, "verbosity": 0}
    try:
        call_command("migrate", migration_name="zero", **migrate)

        assert found(databases=[database]) == []
    finally:
        call_command("migrate", **migrate)


@on("default")
def test_run_system_asks_for_the_migrations_of_the_models_apps(settings, database):
    configure(settings, {"EVENT": "own_models.DogEvent"}, DATABASE=database)
    migrate = {"app_label": "own_models", "database": database, "verbosity": 0}
    try:
        call_command("migrate", migration_name="zero", **migrate)

        with pytest.raises(DatabaseNotReadyError, match=r"lacks migrations of: own_models \(1\)"):
            call_command("run_system", once=True)
    finally:
        call_command("migrate", **migrate)


@pytest.fixture(autouse=True)
def _forget():
    yield
    reset()
