"""Checks of what a project's own models give their tables: constraints and indexes."""

import pytest

from django_eventsourcing import application_models
from django_eventsourcing.factory import DjangoFactory
from django_eventsourcing.registry import reset
from eventsourcing.environment import Environment
from eventsourcing.persistence import InfrastructureFactoryError
from tests.django.own_models import bare
from tests.django.own_models.test_checks import WHERE, configure, found


@pytest.fixture(autouse=True)
def _bare_models(monkeypatch):
    """Have the labels name the models of this test, which the app does not have."""
    monkeypatch.setattr(application_models, "apps", bare.isolated)
    yield
    reset()


@pytest.mark.parametrize(
    ("kind", "model", "fields", "base"),
    [
        (
            "EVENT",
            "BareEvent",
            "application_name, originator_id, originator_version",
            "AbstractStoredEvent",
        ),
        (
            "SNAPSHOT",
            "BareSnapshot",
            "application_name, originator_id, originator_version",
            "AbstractSnapshot",
        ),
        ("TRACKING", "BareTracking", "application_name, upstream_name", "AbstractTracking"),
    ],
)
def test_e015_a_model_without_its_unique_constraint(settings, kind, model, fields, base):
    configure(settings, {kind: f"own_models.{model}"})

    assert found() == [
        (
            f"E015 {WHERE}['MODELS']['{kind}'] is 'own_models.{model}', which has no unique "
            f"constraint over {fields}: nothing would keep two writers from recording the same one.  "
            f"HINT: Let its Meta extend {base}.Meta, then make its migration and run it."
        )
    ]


@pytest.mark.parametrize("model", ["PartlyUniqueEvent", "UniqueLaterEvent"])
def test_e015_a_constraint_that_lets_two_writers_through(settings, model):
    configure(settings, {"EVENT": f"own_models.{model}"})

    assert [text[:4] for text in found()] == ["E015"]


def test_a_model_without_its_unique_constraint_is_refused_by_the_factory():
    with pytest.raises(InfrastructureFactoryError) as raised:
        DjangoFactory(Environment("Kennel", {"DJANGO_EVENT_MODEL": "own_models.BareEvent"}))

    assert str(raised.value) == (
        "DJANGO_EVENT_MODEL is 'own_models.BareEvent', which has no unique constraint over "
        "application_name, originator_id, originator_version: nothing would keep two writers from "
        "recording the same one.  HINT: Let its Meta extend AbstractStoredEvent.Meta, then make its "
        "migration and run it. (django_eventsourcing.E015)"
    )


def test_w003_a_model_of_events_without_the_index_of_the_log(settings):
    configure(settings, {"EVENT": "own_models.UnindexedEvent"})

    assert found() == [
        (
            "W003 own_models.UnindexedEvent has no index over application_name and id: followers "
            "read their notifications the slower the more events there are.  HINT: Let its Meta "
            "extend AbstractStoredEvent.Meta, then make its migration and run it."
        )
    ]


def test_w004_a_constraint_with_a_name_that_databases_cut_or_refuse(settings):
    configure(settings, {"EVENT": "own_models.VeryLongNamedMunicipalPermitCaseAdministrationEvent"})
    name = "own_models_verylongnamedmunicipalpermitcaseadministrationevent_version"

    assert found() == [
        (
            f"W004 The constraint '{name}' of "
            "own_models.VeryLongNamedMunicipalPermitCaseAdministrationEvent has a name of 70 bytes: "
            "PostgreSQL cuts it to 63, and MySQL and MariaDB refuse it if it has more than 64 "
            "characters.  HINT: Give the model a shorter name, or its Meta a constraint over the "
            "same fields with a shorter one."
        )
    ]


@pytest.mark.parametrize("model", ["FullEvent", "ProxyEvent", "OwnIndexEvent"])
def test_models_with_what_they_need_pass(settings, model):
    configure(settings, {"EVENT": f"own_models.{model}"})

    assert found() == []
