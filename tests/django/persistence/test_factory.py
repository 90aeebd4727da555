"""The factory: recorders on the alias that the environment names."""

import pytest
from django.db import connections, transaction

from django_eventsourcing.factory import DjangoFactory
from eventsourcing.environment import Environment
from eventsourcing.persistence import InfrastructureFactory, InfrastructureFactoryError
from tests.django.persistence.elsewhere import Elsewhere


def test_the_persistence_module_names_the_factory():
    env = Environment("Counters", {"PERSISTENCE_MODULE": "django_eventsourcing.factory"})

    factory = InfrastructureFactory.construct(env)

    assert isinstance(factory, DjangoFactory)
    assert factory.alias == "default"


def test_recorders_have_the_name_and_the_alias_of_the_environment(database, factory):
    recorder = factory.process_recorder()

    assert (recorder.application_name, recorder.alias) == ("Counters", database)


def test_an_alias_of_the_application_comes_first():
    env = Environment(
        "Counters", {"DJANGO_DB_ALIAS": "other", "COUNTERS_DJANGO_DB_ALIAS": "default"}
    )

    assert DjangoFactory(env).alias == "default"


def test_an_unknown_alias_is_refused():
    with pytest.raises(InfrastructureFactoryError) as raised:
        DjangoFactory(Environment("Counters", {"DJANGO_DB_ALIAS": "defualt"}))

    aliases = ", ".join(repr(alias) for alias in connections.settings)
    assert str(raised.value) == (
        f"DJANGO_DB_ALIAS is 'defualt', which is not in DATABASES. Use one of: {aliases}."
    )


def test_an_unknown_purpose_is_refused(factory):
    with pytest.raises(InfrastructureFactoryError, match="purpose 'views'"):
        factory.aggregate_recorder(purpose="views")


def test_release_closes_the_calling_threads_connection(database, factory):
    factory.application_recorder().max_notification_id()

    with Elsewhere() as elsewhere:
        elsewhere.do(factory.application_recorder().max_notification_id)
        elsewhere.do(factory.release)

        assert elsewhere.do(lambda: connections[database].connection) is None
    assert connections[database].connection is not None


def test_release_leaves_a_transaction_that_is_open(database, factory):
    with transaction.atomic(using=database):
        factory.release()

        assert connections[database].connection is not None
