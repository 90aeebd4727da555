"""Environments: which value an application gets when it is set in several places."""

import pytest

from django_eventsourcing.conf import ApplicationConfig, RunnerOptions, SystemConfig
from django_eventsourcing.environments import system_env, uses_django
from eventsourcing.environment import Environment
from eventsourcing.system import System
from tests.django.schools import Compressed, Counters, DogSchool, Tally

system = System(pipes=[[Compressed, Counters]])


def value_of(key, config, name="Compressed"):
    return Environment(name, system_env(config, system)).get(key)


def config_with(app_env=None, system_env=None, **kwargs):
    return SystemConfig(
        alias="default",
        env=system_env or {},
        applications={"Compressed": ApplicationConfig(env=app_env or {})},
        **kwargs,
    )


@pytest.mark.parametrize(
    ("process", "application", "system", "expected"),
    [
        ({"WHO": "process"}, {"WHO": "application"}, {"WHO": "system"}, "process"),
        ({}, {"WHO": "application"}, {"WHO": "system"}, "application"),
        ({}, {}, {"WHO": "system"}, "system"),
        ({}, {}, {}, "class"),
        ({}, {"WHO": "application"}, {"COMPRESSED_WHO": "system"}, "application"),
        ({"WHO": "process"}, {"COMPRESSED_WHO": "application"}, {}, "process"),
        ({"WHO": "process", "COMPRESSED_WHO": "mine"}, {}, {"WHO": "system"}, "mine"),
    ],
)
def test_the_nearest_place_wins(monkeypatch, process, application, system, expected):
    for key, value in process.items():
        monkeypatch.setenv(key, value)

    assert value_of("WHO", config_with(application, system)) == expected


def test_values_reach_the_applications_they_are_meant_for():
    config = config_with({"X": "one"}, {"X": "all"})

    assert value_of("X", config, "Compressed") == "one"
    assert value_of("X", config, "Counters") == "all"


def test_a_class_value_reaches_nobody_else():
    config = config_with()

    assert value_of("COMPRESSOR_TOPIC", config, "Compressed") == "zlib"
    assert value_of("COMPRESSOR_TOPIC", config, "Counters") is None


def test_events_are_kept_by_django_unless_said_otherwise():
    env = system_env(config_with({"PERSISTENCE_MODULE": "eventsourcing.popo"}), system)

    assert not uses_django(env, "Compressed")
    assert uses_django(env, "Counters")
    assert env["COUNTERS_PERSISTENCE_MODULE"] == "django_eventsourcing.factory"


def test_a_class_chooses_its_own_persistence(monkeypatch):
    monkeypatch.setattr(DogSchool, "env", {"PERSISTENCE_MODULE": "eventsourcing.popo"})
    school = System(pipes=[[DogSchool, Counters]])

    assert not uses_django(system_env(SystemConfig(alias="default"), school), "DogSchool")


def test_the_database_is_the_one_that_is_set():
    config = SystemConfig(
        alias="default",
        database="events",
        applications={"Counters": ApplicationConfig(database="reports")},
    )

    assert value_of("DJANGO_DB_ALIAS", config, "Compressed") == "events"
    assert value_of("DJANGO_DB_ALIAS", config, "Counters") == "reports"


@pytest.mark.parametrize(
    ("pipes", "telling"),
    [
        ([[DogSchool, Counters]], {"DogSchool": "y", "Counters": "n"}),
        ([[DogSchool, Counters, Tally]], {"DogSchool": "y", "Counters": "y", "Tally": "n"}),
        ([[Counters, Counters]], {"Counters": "y"}),
        ([[DogSchool]], {"DogSchool": "n"}),
        ([[DogSchool, Counters], [Tally]], {"DogSchool": "y", "Counters": "n", "Tally": "n"}),
    ],
)
@pytest.mark.parametrize("listen", ["auto", True, False])
def test_what_is_followed_tells_others_and_nothing_else_does(pipes, telling, listen):
    config = SystemConfig(alias="default", options=RunnerOptions(listen=listen))

    env = system_env(config, System(pipes=pipes))

    found = {name: env[f"{name.upper()}_DJANGO_NOTIFY"] for name in telling}
    assert found == (telling if listen is not False else dict.fromkeys(telling, "n"))


def test_no_value_of_an_environment_has_what_nobody_follows_tell(monkeypatch):
    monkeypatch.setenv("DJANGO_NOTIFY", "y")
    monkeypatch.setenv("COUNTERS_DJANGO_NOTIFY", "y")

    assert value_of("DJANGO_NOTIFY", config_with(), "Counters") == "n"
    assert value_of("DJANGO_NOTIFY", config_with(), "Compressed") == "y"
