"""Settings: what they become, and what is said about those that cannot be used."""

import math

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_eventsourcing.conf import (
    DEFAULT_RUNNER,
    ErrorPolicy,
    RunnerOptions,
    find_problems,
    get_aliases,
    get_config,
)

SYSTEM = "tests.core.school.system"


def configure(settings, alias="default", **values):
    settings.EVENTSOURCING = {alias: values}


def texts(settings, **values):
    configure(settings, **values)
    return [str(problem) for problem in find_problems()]


def test_what_is_not_set_has_defaults(settings):
    configure(settings, SYSTEM=SYSTEM)

    config = get_config()

    assert (config.alias, config.system, config.pipes) == ("default", SYSTEM, None)
    assert (config.database, config.env, config.applications) == ("default", {}, {})
    assert config.commit_order == "shared"
    assert config.runner == DEFAULT_RUNNER
    assert config.options == RunnerOptions(
        batch_size=500,
        poll_interval=0.5,
        on_error=ErrorPolicy(retries=5, backoff=(1, 2, 5, 15, 60), then="stop"),
    )


def test_what_is_set_is_kept(settings):
    settings.DATABASES["events"] = {}
    configure(
        settings,
        PIPES=[["a.A", "a.B"], ("a.C",)],
        ENV={"COMPRESSOR_TOPIC": "zlib"},
        APPLICATIONS={"A": {"DATABASE": "events", "ENV": {"X": "1"}}},
        OPTIONS={
            "BATCH_SIZE": 7,
            "POLL_INTERVAL": 2,
            "ON_ERROR": {"retries": 0, "backoff": [0.5], "then": "stop"},
        },
    )

    config = get_config()
    del settings.DATABASES["events"]

    assert config.pipes == (("a.A", "a.B"), ("a.C",))
    assert config.env == {"COMPRESSOR_TOPIC": "zlib"}
    assert config.application("A").env == {"X": "1"}
    assert (config.database_of("A"), config.database_of("B")) == ("events", "default")
    assert config.options == RunnerOptions(
        batch_size=7, poll_interval=2, on_error=ErrorPolicy(retries=0, backoff=(0.5,))
    )


def test_configurations_cannot_be_changed(settings):
    configure(settings, SYSTEM=SYSTEM)
    config = get_config()

    with pytest.raises(AttributeError):
        config.database = "other"


def test_aliases_keep_their_order(settings):
    settings.EVENTSOURCING = {"b": {"SYSTEM": SYSTEM}, "a": {"SYSTEM": SYSTEM}}

    assert get_aliases() == ["b", "a"]


def test_one_systems_faults_do_not_hurt_another(settings):
    settings.EVENTSOURCING = {"good": {"SYSTEM": SYSTEM}, "bad": {}}

    assert get_config("good").system == SYSTEM


def test_without_the_setting_there_are_no_systems_and_no_problems(settings):
    del settings.EVENTSOURCING

    assert get_aliases() == []
    assert find_problems() == []


def test_an_unknown_alias_is_named(settings):
    configure(settings, SYSTEM=SYSTEM)

    with pytest.raises(ImproperlyConfigured) as caught:
        get_config("defualt")

    assert str(caught.value) == (
        "There is no system 'defualt' in EVENTSOURCING.  HINT: Did you mean 'default'?"
    )


def test_a_missing_setting_is_told(settings):
    del settings.EVENTSOURCING

    with pytest.raises(ImproperlyConfigured) as caught:
        get_config()

    assert str(caught.value) == (
        "There is no system 'default' in EVENTSOURCING.  "
        "HINT: The settings have no EVENTSOURCING: add it, and mind the spelling."
    )


def test_a_forgotten_alias_is_told(settings):
    settings.EVENTSOURCING = {"PIPES": [["tests.core.school.DogSchool"]]}

    with pytest.raises(ImproperlyConfigured) as caught:
        get_config()

    assert str(caught.value) == (
        "EVENTSOURCING has the key 'PIPES', which belongs to a system.  HINT: Put the settings of a "
        "system under an alias: EVENTSOURCING = {'default': {'PIPES': …}}. "
        "(django_eventsourcing.E001)"
    )


def test_the_exception_has_the_text_of_the_first_problem(settings):
    configure(settings, SYTEM=SYSTEM, DATABASE="nowhere")

    with pytest.raises(ImproperlyConfigured) as caught:
        get_config()

    assert str(caught.value) == (
        "EVENTSOURCING['default'] has the unknown key 'SYTEM'.  HINT: Did you mean 'SYSTEM'? "
        "(django_eventsourcing.E001) (and 1 more: run manage.py check)"
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"SYTEM": SYSTEM},
            (
                "EVENTSOURCING['default'] has the unknown key 'SYTEM'.  "
                "HINT: Did you mean 'SYSTEM'? (django_eventsourcing.E001)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "QQ": 1},
            (
                "EVENTSOURCING['default'] has the unknown key 'QQ'.  HINT: Known keys: APPLICATIONS, "
                "COMMIT_ORDER, DATABASE, ENV, OPTIONS, PIPES, RUNNER, SYSTEM. (django_eventsourcing.E001)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"batch_size": 3}},
            (
                "EVENTSOURCING['default']['OPTIONS'] has the unknown key 'batch_size'.  "
                "HINT: Did you mean 'BATCH_SIZE'? (django_eventsourcing.E001)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"ON_ERROR": {"retry": 3}}},
            (
                "EVENTSOURCING['default']['OPTIONS']['ON_ERROR'] has the unknown key 'retry'.  "
                "HINT: Did you mean 'retries'? (django_eventsourcing.E001)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "PIPES": [["a.A"]]},
            (
                "EVENTSOURCING['default'] has both SYSTEM and PIPES.  HINT: Give exactly one of the "
                "two: SYSTEM, the dotted path of a System, or PIPES, lists of the dotted paths of "
                "application classes. (django_eventsourcing.E003)"
            ),
        ),
        (
            {},
            (
                "EVENTSOURCING['default'] has neither SYSTEM nor PIPES.  HINT: Give exactly one of "
                "the two: SYSTEM, the dotted path of a System, or PIPES, lists of the dotted paths "
                "of application classes. (django_eventsourcing.E003)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "DATABASE": "defualt"},
            (
                "EVENTSOURCING['default']['DATABASE'] is 'defualt', which is not in DATABASES.  "
                "HINT: Did you mean 'default'? (django_eventsourcing.E004)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "APPLICATIONS": {"A": {"DATABASE": "defualt"}}},
            (
                "EVENTSOURCING['default']['APPLICATIONS']['A']['DATABASE'] is 'defualt', which is "
                "not in DATABASES.  HINT: Did you mean 'default'? (django_eventsourcing.E004)"
            ),
        ),
        (
            {"SYSTEM": 3},
            (
                "EVENTSOURCING['default']['SYSTEM'] is 3.  HINT: Give a dotted path, as a str. "
                "(django_eventsourcing.E006)"
            ),
        ),
        (
            {"PIPES": ["a.A", "a.B"]},
            (
                "EVENTSOURCING['default']['PIPES'] is ['a.A', 'a.B'].  HINT: Give a list of lists of "
                "dotted paths of application classes. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "ENV": {"CIPHER_KEY": 12345}},
            (
                "EVENTSOURCING['default']['ENV']['CIPHER_KEY'] is of type int.  HINT: Give a str: "
                "values are those of an environment. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "ENV": {"DJANGO_NOTIFY": "n"}},
            (
                "EVENTSOURCING['default']['ENV'] has the key 'DJANGO_NOTIFY'.  HINT: Set LISTEN in "
                "the OPTIONS of the system. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "ENV": {"DJANGO_DB_ALIAS": "default"}},
            (
                "EVENTSOURCING['default']['ENV'] has the key 'DJANGO_DB_ALIAS'.  HINT: Name the "
                "database of a system, or of an application, by DATABASE. "
                "(django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"BATCH_SIZE": 0}},
            (
                "EVENTSOURCING['default']['OPTIONS']['BATCH_SIZE'] is 0.  HINT: Give a whole number "
                "from 1. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"BATCH_SIZE": True}},
            (
                "EVENTSOURCING['default']['OPTIONS']['BATCH_SIZE'] is True.  HINT: Give a whole "
                "number from 1. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"POLL_INTERVAL": "1"}},
            (
                "EVENTSOURCING['default']['OPTIONS']['POLL_INTERVAL'] is '1'.  HINT: Give a number "
                "of seconds above 0, up to 86400. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"ON_ERROR": {"retries": -1}}},
            (
                "EVENTSOURCING['default']['OPTIONS']['ON_ERROR']['retries'] is -1.  HINT: Give a "
                "whole number from 0. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"ON_ERROR": {"backoff": 5}}},
            (
                "EVENTSOURCING['default']['OPTIONS']['ON_ERROR']['backoff'] is 5.  HINT: Give a list "
                "of numbers of seconds, up to 86400. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"RUN_IN_RUNSERVER": "yes"}},
            (
                "EVENTSOURCING['default']['OPTIONS']['RUN_IN_RUNSERVER'] is 'yes'.  HINT: Give True or "
                "False. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"ON_ERROR": {"then": "panic"}}},
            (
                "EVENTSOURCING['default']['OPTIONS']['ON_ERROR']['then'] is 'panic'.  HINT: Give "
                "'stop', 'park' or 'skip'. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "APPLICATIONS": {"Counters": {"ON_ERROR": {"circuit": 0}}}},
            (
                "EVENTSOURCING['default']['APPLICATIONS']['Counters']['ON_ERROR']['circuit'] is 0.  "
                "HINT: Give a whole number from 1. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "APPLICATIONS": {"Counters": {"SEGMENTS": 0}}},
            (
                "EVENTSOURCING['default']['APPLICATIONS']['Counters']['SEGMENTS'] is 0.  HINT: Give "
                "a whole number from 1 to 1024. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "ENV": {"DJANGO_SEGMENTS": "4"}},
            (
                "EVENTSOURCING['default']['ENV'] has the key 'DJANGO_SEGMENTS'.  HINT: Set SEGMENTS "
                "of the follower in APPLICATIONS. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "OPTIONS": {"LISTEN": "always"}},
            (
                "EVENTSOURCING['default']['OPTIONS']['LISTEN'] is 'always'.  HINT: Give 'auto', True "
                "or False. (django_eventsourcing.E006)"
            ),
        ),
        (
            {"SYSTEM": SYSTEM, "APPLICATIONS": {"Counters": {"SYNC": "yes"}}},
            (
                "EVENTSOURCING['default']['APPLICATIONS']['Counters']['SYNC'] is 'yes'.  HINT: Give "
                "True or False. (django_eventsourcing.E006)"
            ),
        ),
    ],
)
def test_each_fault_is_told_with_its_remedy(settings, values, text):
    assert texts(settings, **values) == [text]


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan, 86_401, True])
def test_intervals_are_above_0_and_end(settings, seconds):
    (text,) = texts(settings, SYSTEM=SYSTEM, OPTIONS={"POLL_INTERVAL": seconds})

    assert text.startswith(
        f"EVENTSOURCING['default']['OPTIONS']['POLL_INTERVAL'] is {seconds!r}.  HINT: "
    )


@pytest.mark.parametrize("seconds", [-1, math.inf, math.nan, 86_401])
def test_waits_between_retries_end(settings, seconds):
    options = {"ON_ERROR": {"backoff": [1, seconds]}}

    (text,) = texts(settings, SYSTEM=SYSTEM, OPTIONS=options)

    assert text.startswith(
        f"EVENTSOURCING['default']['OPTIONS']['ON_ERROR']['backoff'] is [1, {seconds!r}].  HINT: "
    )


@pytest.mark.parametrize(("value", "shown"), [([], "[]"), (None, "None"), ({1: {}}, "{1: …}")])
def test_the_setting_itself_is_a_dict(settings, value, shown):
    settings.EVENTSOURCING = value

    assert [str(problem) for problem in find_problems()] == [
        (
            f"EVENTSOURCING is {shown}.  HINT: Give a dict of systems by their aliases. "
            "(django_eventsourcing.E006)"
        )
    ]


def test_a_systems_settings_are_a_dict(settings):
    settings.EVENTSOURCING = {"default": SYSTEM}

    assert [str(problem) for problem in find_problems()] == [
        (
            "EVENTSOURCING['default'] is 'tests.core.school.system'.  HINT: Give a dict with keys "
            "of: SYSTEM, PIPES, DATABASE, ENV, APPLICATIONS, COMMIT_ORDER, RUNNER, OPTIONS. "
            "(django_eventsourcing.E006)"
        )
    ]


ENV = {"CIPHER_KEY": "secret"}


@pytest.mark.parametrize(
    "value",
    [
        [{"default": {"SYSTEM": SYSTEM, "ENV": ENV}}],
        {"default": [ENV]},
        {1: ENV},
        *(
            {"default": {"SYSTEM": SYSTEM, "ENV": env}}
            for env in ("CIPHER_KEY=secret", [("CIPHER_KEY", "secret")], {1: "secret"})
        ),
        {"default": {"SYSTEM": SYSTEM, "APPLICATIONS": [{"ENV": ENV}]}},
        {"default": {"SYSTEM": SYSTEM, "APPLICATIONS": {"DogSchool": [ENV]}}},
    ],
    ids=repr,
)
def test_what_may_be_a_secret_is_not_told(settings, value):
    settings.EVENTSOURCING = value

    problems = [str(problem) for problem in find_problems()]

    assert len(problems) == 1
    assert "HINT: Give a" in problems[0]
    assert "secret" not in problems[0]


def test_a_configuration_is_represented_without_what_may_be_a_secret(settings):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": SYSTEM, "ENV": ENV, "APPLICATIONS": {"DogSchool": {"ENV": ENV}}}
    }

    assert get_config().env == get_config().application("DogSchool").env == ENV
    assert "secret" not in repr(get_config())


def test_a_long_value_is_shortened(settings):
    (text,) = texts(settings, SYSTEM=SYSTEM, OPTIONS={"POLL_INTERVAL": "x" * 500})

    assert len(text) < 200


@pytest.mark.parametrize("listen", ["auto", True, False])
def test_listening_is_left_open_or_settled(settings, listen):
    configure(settings, SYSTEM=SYSTEM, OPTIONS={"LISTEN": listen})

    assert get_config().options.listen is listen


def test_the_commit_order_is_one_of_two(settings):
    configure(settings, SYSTEM=SYSTEM, COMMIT_ORDER="exclusive")
    assert get_config().commit_order == "exclusive"

    assert texts(settings, SYSTEM=SYSTEM, COMMIT_ORDER="strict") == [
        (
            "EVENTSOURCING['default']['COMMIT_ORDER'] is 'strict'.  HINT: Give 'shared' or "
            "'exclusive'. (django_eventsourcing.E006)"
        )
    ]
