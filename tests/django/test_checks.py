"""System checks: each id, and what it says."""

import subprocess
import sys
import types

import pytest
from django.conf import settings as django_settings
from django.core import checks
from django.db import ConnectionHandler

from django_eventsourcing import checks as es_checks
from django_eventsourcing import databases as es_databases
from django_eventsourcing import notifying
from django_eventsourcing.problems import ConfigurationError
from django_eventsourcing.registry import get_system
from eventsourcing.system import System
from tests.django import schools
from tests.django.own_models.models import TrickCount
from tests.django.projections.boards import Board

MEMORY = {"PERSISTENCE_MODULE": "eventsourcing.popo"}
SYSTEM = "tests.django.schools.system"
SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": "events.sqlite3"}
RECOMMENDED = {"transaction_mode": "IMMEDIATE", "timeout": 20}


@pytest.fixture
def run(settings, monkeypatch):
    def run_checks(databases=None, **values):
        settings.EVENTSOURCING = {"default": values}
        if databases is not None:
            monkeypatch.setattr(django_settings, "DATABASES", databases)
            for module in (es_checks, es_databases, notifying):
                monkeypatch.setattr(module, "connections", ConnectionHandler(databases))
        return [
            f"{message.id.partition('.')[2]} {message.msg}  HINT: {message.hint}"
            for message in checks.run_checks(tags=["eventsourcing"], databases=[])
        ]

    return run_checks


def test_good_settings_pass(run):
    assert run(SYSTEM=SYSTEM) == []
    assert run(PIPES=[["tests.core.school.DogSchool", "tests.core.school.Counters"]]) == []


def test_a_callable_may_return_the_system(run):
    assert run(SYSTEM="tests.django.schools.make_system") == []


def test_e001_unknown_key(run):
    assert run(SYTEM=SYSTEM) == [
        "E001 EVENTSOURCING['default'] has the unknown key 'SYTEM'.  HINT: Did you mean 'SYSTEM'?"
    ]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.system", "No module named 'nowhere'"),
        ("system", "system doesn't look like a module path"),
        (
            "tests.django.schools.sistem",
            'Module "tests.django.schools" does not define a "sistem" attribute/class',
        ),
    ],
)
def test_e002_system_not_importable(run, path, reason):
    assert run(SYSTEM=path) == [
        (
            f"E002 EVENTSOURCING['default']['SYSTEM'] is '{path}', which cannot be imported: "
            f"{reason}.  HINT: Give the dotted path of a System."
        )
    ]


def test_e002_application_not_importable(run):
    assert run(PIPES=[["tests.core.school.DogShool"]]) == [
        (
            "E002 EVENTSOURCING['default']['PIPES'] has 'tests.core.school.DogShool', which cannot be "
            'imported: Module "tests.core.school" does not define a "DogShool" attribute/class.  '
            "HINT: Give the dotted paths of application classes."
        )
    ]


def test_e002_model_of_an_app_that_is_not_installed(run):
    (problem,) = run(PIPES=[["tests.django.not_installed.School"]])

    assert "isn't in an application in INSTALLED_APPS" in problem
    assert problem.endswith("HINT: Add the app to INSTALLED_APPS.")


def test_e002_module_that_fails(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "tests.django.broken", Failing("tests.django.broken"))

    assert run(SYSTEM="tests.django.broken.system") == [
        (
            "E002 EVENTSOURCING['default']['SYSTEM'] is 'tests.django.broken.system', which cannot "
            "be imported: ZeroDivisionError: division by zero.  "
            "HINT: Mend what tests.django.broken does when it is imported."
        )
    ]


def test_e002_module_that_misspells_a_class_of_events(run):
    assert run(SYSTEM="tests.django.misspelt.system") == [
        (
            "E002 EVENTSOURCING['default']['SYSTEM'] is 'tests.django.misspelt.system', which cannot "
            "be imported: AttributeError: type object 'Dog' has no attribute 'TrickAded'.  "
            "HINT: Mend what tests.django.misspelt does when it is imported."
        )
    ]


class Failing(types.ModuleType):
    """Stands in for a module that raises while it is imported."""

    def __getattr__(self, name):
        raise ZeroDivisionError("division by zero")


def test_e002_runner_not_importable(run):
    assert run(SYSTEM=SYSTEM, RUNNER="nowhere.Runner") == [
        (
            "E002 EVENTSOURCING['default']['RUNNER'] is 'nowhere.Runner', which cannot be imported: "
            "No module named 'nowhere'.  HINT: Give the dotted path of a SystemRunner class."
        )
    ]


def test_e003_neither_system_nor_pipes(run):
    (text,) = run()

    assert text.startswith("E003 EVENTSOURCING['default'] has neither SYSTEM nor PIPES.")


def test_e004_unknown_database(run):
    (text,) = run(SYSTEM=SYSTEM, DATABASE="events")

    assert text.startswith(
        "E004 EVENTSOURCING['default']['DATABASE'] is 'events', which is not in DATABASES."
    )


def test_e005_two_applications_of_one_name(run):
    school = "tests.core.school.DogSchool"

    assert run(
        PIPES=[[school, "tests.core.school.Counters"], [school, "tests.django.schools.Namesake"]]
    ) == [
        (
            "E005 EVENTSOURCING['default']['PIPES'] has two applications named 'Counters': "
            "tests.core.school.Counters and tests.django.schools.Namesake.  HINT: Set the class "
            "attribute 'name' of one of them: events are kept by that name."
        )
    ]


def test_e005_one_name_in_two_systems(settings):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": SYSTEM},
        "reports": {"PIPES": [["tests.django.schools.Namesake"]]},
    }

    (message,) = es_checks.check_applications()

    assert message.id == "django_eventsourcing.E005"
    assert message.msg == (
        "EVENTSOURCING['default'] and EVENTSOURCING['reports'] both have an application named "
        "'Counters'."
    )
    assert message.hint == (
        "Keep it in one of the systems, or set the class attribute 'name' of one of them: events "
        "are kept by that name."
    )


def test_e005_names_that_differ_by_case_alone(run):
    school = "tests.core.school.DogSchool"

    assert run(
        PIPES=[[school, "tests.core.school.Counters"], [school, "tests.django.schools.Shouting"]]
    ) == [
        (
            "E005 EVENTSOURCING['default'] has two applications whose names differ by case alone: "
            "'Counters' and 'COUNTERS'.  HINT: Set the class attribute 'name' of one of them: the "
            "keys of an environment begin with the name in capitals."
        )
    ]


def test_e005_names_in_two_systems_that_differ_by_case_alone(settings):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": SYSTEM},
        "reports": {"PIPES": [["tests.django.schools.Shouting"]]},
    }

    (message,) = es_checks.check_applications()

    assert message.id == "django_eventsourcing.E005"
    assert message.msg == (
        "EVENTSOURCING['default'] and EVENTSOURCING['reports'] have applications whose names "
        "differ by case alone: 'Counters' and 'COUNTERS'."
    )
    assert message.hint == (
        "Keep it in one of the systems, or set the class attribute 'name' of one of them: the "
        "keys of an environment begin with the name in capitals."
    )


def test_e006_wrong_type(run):
    (text,) = run(SYSTEM=SYSTEM, OPTIONS={"POLL_INTERVAL": "fast"})

    assert text.startswith("E006 EVENTSOURCING['default']['OPTIONS']['POLL_INTERVAL'] is 'fast'.")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("tests.django.schools.not_a_system", "which is not a System but of type int"),
        ("tests.django.schools.make_nothing", "which is not a System but of type NoneType"),
        (
            "tests.core.school.DogSchool",
            "which is not a System but the class tests.core.school.DogSchool",
        ),
        (
            "tests.django.schools.make_failure",
            "and calling it failed: RuntimeError: no bricks",
        ),
    ],
)
def test_e007_not_a_system(run, path, fault):
    assert run(SYSTEM=path) == [
        (
            f"E007 EVENTSOURCING['default']['SYSTEM'] is '{path}', {fault}.  HINT: Give the dotted "
            "path of a System, or of a callable that returns one."
        )
    ]


def test_e007_not_an_application(run):
    assert run(PIPES=[["tests.core.school.Dog"]]) == [
        (
            "E007 EVENTSOURCING['default']['PIPES'] has 'tests.core.school.Dog', which is not an "
            "Application but the class tests.core.school.Dog.  HINT: Give the dotted paths of "
            "application classes."
        )
    ]


def test_e007_pipes_that_do_not_join(run):
    (text,) = run(PIPES=[["tests.core.school.Counters", "tests.core.school.DogSchool"]])

    assert text.startswith(
        "E007 EVENTSOURCING['default']['PIPES'] cannot be joined into a System: TypeError: Not a "
        "follower class: <class 'tests.core.school.DogSchool'>. What follows another application in a "
        "pipe derives from Follower or ProcessApplication.  HINT: A pipe leads from"
    )


def test_e007_not_a_runner(run):
    assert run(SYSTEM=SYSTEM, RUNNER="tests.core.school.Dog") == [
        (
            "E007 EVENTSOURCING['default']['RUNNER'] is 'tests.core.school.Dog', which is not a "
            "SystemRunner class.  HINT: Give the dotted path of a subclass of "
            "django_eventsourcing.runners.SystemRunner."
        )
    ]


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        ("DogSchool", {}, "which follows nothing: only followers can be synchronous"),
        ("Counters", {"SEGMENTS": 2}, "and splits it into 2 segments, which is for workers"),
        (
            "Counters",
            {"ON_ERROR": {"retries": 1}},
            "and ON_ERROR, too: what it raises goes to whoever records, who records nothing then",
        ),
        (
            "Counters",
            {"ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"}},
            "and keeps Counters in memory, where there are no transactions",
        ),
        (
            "Counters",
            {"DATABASE": "views"},
            (
                "whose database is 'views', and that of DogSchool 'default': they do not commit "
                "together"
            ),
        ),
    ],
)
def test_e026_what_cannot_be_synchronous(run, name, values, fault):
    assert run(TWO, SYSTEM=SYSTEM, APPLICATIONS={name: {"SYNC": True, **values}}) == [
        (
            f"E026 EVENTSOURCING['default'] sets SYNC for {name}, {fault}.  HINT: Remove SYNC from "
            f"['APPLICATIONS']['{name}'], or what contradicts it."
        )
    ]


def test_e026_followers_that_would_call_each_other_without_end(run):
    path = "tests.django.schools"
    both = {"Ping": {"SYNC": True}, "Pong": {"SYNC": True}}

    (text,) = run(PIPES=[[f"{path}.Ping", f"{path}.Pong", f"{path}.Ping"]], APPLICATIONS=both)

    assert text.startswith(
        "E026 EVENTSOURCING['default'] sets SYNC for Ping, which would call itself without end: "
        "Ping -> Pong -> Ping."
    )


def test_e009_unknown_application(run):
    assert run(SYSTEM=SYSTEM, APPLICATIONS={"Countres": {}}) == [
        (
            "E009 EVENTSOURCING['default']['APPLICATIONS'] has settings for 'Countres', which is not "
            "in the system.  HINT: Did you mean 'Counters'?"
        )
    ]


class FoundDistribution:
    version = "9.9"


def test_e010_the_reference_distribution(monkeypatch):
    monkeypatch.setattr(es_checks, "distribution", lambda name: FoundDistribution())

    (message,) = es_checks.check_installation()

    assert message.id == "django_eventsourcing.E010"
    assert message.msg == (
        "The distribution eventsourcing 9.9 is installed in this environment, too: it and "
        "django-eventsourcing cannot share one, because both provide the package 'eventsourcing'."
    )
    assert message.hint == (
        "Run 'pip uninstall eventsourcing', then 'pip install --force-reinstall --no-deps "
        "django-eventsourcing', because uninstalling removes files that the two have in common."
    )


def test_e010_is_found_by_what_pip_records(tmp_path):
    info = tmp_path / "eventsourcing-9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: eventsourcing\nVersion: 9.9\n")
    code = (
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "import django_eventsourcing.checks as c\n"
        "print([m.id for m in c.check_installation()])\n"
        "assert not [m for m in sys.modules if m.split('.')[0] == 'eventsourcing']"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.stdout, done.stderr) == ("['django_eventsourcing.E010']\n", "")


@pytest.mark.parametrize(
    ("level", "shown"), [("repeatable read", "'repeatable read'"), (None, "that of the server")]
)
def test_e011_mysql_isolation(run, level, shown):
    databases = {
        "default": {
            "ENGINE": "django.db.backends.mysql",
            "NAME": "x",
            "OPTIONS": {"isolation_level": level},
        }
    }

    assert run(databases, SYSTEM=SYSTEM) == [
        (
            f"E011 The MySQL database 'default' keeps events, and its isolation level is {shown}: "
            "followers could read the log as it was before.  HINT: Set DATABASES['default']"
            "['OPTIONS']['isolation_level'] to 'read committed', or remove it: that is Django's "
            "default."
        )
    ]


POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}


@pytest.mark.parametrize(("level", "shown"), [(3, "repeatable read"), (4, "serializable")])
def test_e011_postgresql_isolation(run, level, shown):
    databases = {"default": {**POSTGRESQL, "OPTIONS": {"isolation_level": level}}}

    assert run(databases, SYSTEM=SYSTEM) == [
        (
            f"E011 The PostgreSQL database 'default' keeps events, and its isolation level is "
            f"'{shown}': followers could read the log as it was before.  HINT: Remove "
            "'isolation_level' from DATABASES['default']['OPTIONS'], and "
            "default_transaction_isolation from the settings of server, database and role."
        )
    ]


@pytest.mark.parametrize("options", [{}, {"isolation_level": 2}, {"isolation_level": "none such"}])
def test_postgresql_at_read_committed_passes(run, options):
    # What is no level is told of by Django.
    assert run({"default": {**POSTGRESQL, "OPTIONS": options}}, SYSTEM=SYSTEM) == []


def test_w005_a_database_that_cannot_be_listened_to(run):
    databases = {"default": {**SQLITE, "OPTIONS": RECOMMENDED}}

    assert run(databases, SYSTEM=SYSTEM, OPTIONS={"LISTEN": True}) == [
        (
            "W005 EVENTSOURCING['default']['OPTIONS']['LISTEN'] is True, and the database 'default' "
            "cannot be listened to: that takes PostgreSQL, and psycopg 3.  HINT: Set it to 'auto', "
            "to listen where one can; followers find all events by polling."
        )
    ]
    assert run(databases, SYSTEM=SYSTEM, OPTIONS={"LISTEN": "auto"}) == []


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        ({"PORT": "6432"}, "PORT is 6432"),
        ({"PORT": 6432}, "PORT is 6432"),
        ({"DISABLE_SERVER_SIDE_CURSORS": True}, "DISABLE_SERVER_SIDE_CURSORS is on"),
        ({"OPTIONS": {"prepare_threshold": None}}, "prepare_threshold is None"),
    ],
)
def test_w005_signs_of_a_pooler(run, values, sign):
    databases = {"default": {**POSTGRESQL, **values}}

    assert run(databases, SYSTEM=SYSTEM) == [
        (
            f"W005 The database 'default' seems to be reached through a connection pooler ({sign}): "
            "LISTEN hears nothing through one that pools by transaction.  HINT: Let run_system "
            "connect to the server itself, by settings of its own, or set LISTEN in the OPTIONS of "
            "the system to False; where it is heard, silence this check."
        )
    ]
    assert run(databases, SYSTEM=SYSTEM, OPTIONS={"LISTEN": False}) == []


def test_mysql_with_djangos_isolation_passes(run):
    assert run({"default": {"ENGINE": "django.db.backends.mysql"}}, SYSTEM=SYSTEM) == []


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "transaction_mode DEFERRED and a timeout of 5 s"),
        ({"transaction_mode": "IMMEDIATE"}, "transaction_mode IMMEDIATE and a timeout of 5 s"),
        ({"timeout": 30}, "transaction_mode DEFERRED and a timeout of 30 s"),
        (
            {"transaction_mode": "IMMEDIATE", "timeout": "20"},
            "transaction_mode IMMEDIATE and a timeout of '20' s",
        ),
    ],
)
def test_w001_sqlite_options(run, options, shown):
    assert run({"default": {**SQLITE, "OPTIONS": options}}, SYSTEM=SYSTEM) == [
        (
            f"W001 The SQLite database 'default' keeps events, with {shown}: under load, saves fail "
            "with 'database is locked'.  HINT: Set DATABASES['default']['OPTIONS'] to "
            "{'transaction_mode': 'IMMEDIATE', 'timeout': 20, 'init_command': "
            "'PRAGMA journal_mode=WAL'}."
        )
    ]


def test_sqlite_as_recommended_passes(run):
    assert run({"default": {**SQLITE, "OPTIONS": RECOMMENDED}}, SYSTEM=SYSTEM) == []


def test_sqlite_behind_an_engine_of_another_name_is_sqlite(run):
    engine = "tests.django.sqlite_engine"

    assert run({"default": {**SQLITE, "ENGINE": engine}}, SYSTEM=SYSTEM)[0].startswith("W001 ")


def test_sqlite_in_memory_passes(run):
    assert run({"default": {**SQLITE, "NAME": ":memory:"}}, SYSTEM=SYSTEM) == []


def test_a_database_without_its_driver_is_left_to_django(run):
    databases = {"default": {"ENGINE": "tests.django.no_such_engine"}}

    assert run(databases, SYSTEM=SYSTEM) == []


def test_a_database_that_came_after_the_first_connection_is_left_out(run, monkeypatch):
    databases = {**django_settings.DATABASES, "late": SQLITE}
    monkeypatch.setattr(django_settings, "DATABASES", databases)

    assert run(SYSTEM=SYSTEM, DATABASE="late") == []


class Denying:
    """Keeps the tables of one app out of all databases."""

    def __init__(self, app_label):
        self.app_label = app_label

    def allow_migrate(self, db, app_label, **hints):
        return False if app_label == self.app_label else None


def test_e017_tables_that_routers_keep_out(run, settings):
    settings.DATABASE_ROUTERS = [Denying("django_eventsourcing")]

    assert run(SYSTEM=SYSTEM) == [
        (
            "E017 EVENTSOURCING['default'] keeps DogSchool, Counters in the database 'default', and "
            "DATABASE_ROUTERS keep these tables out of it: django_eventsourcing.StoredEventRecord, "
            "django_eventsourcing.SnapshotRecord, django_eventsourcing.TrackingRecord, "
            "django_eventsourcing.FollowerRecord, django_eventsourcing.WorkerRecord, "
            "django_eventsourcing.DeadLetterRecord, django_eventsourcing.FollowerStatistic.  HINT: "
            "Let allow_migrate() of the routers return True or None for them there, then migrate "
            "the database."
        )
    ]


def test_e017_the_counter_is_needed_on_mysql(run, settings):
    pytest.importorskip("MySQLdb")
    settings.DATABASE_ROUTERS = [Denying("django_eventsourcing")]

    (text,) = run({"default": {"ENGINE": "django.db.backends.mysql"}}, SYSTEM=SYSTEM)

    assert "django_eventsourcing.NotificationCounter." in text


def test_routers_that_keep_other_tables_out_pass(run, settings):
    settings.DATABASE_ROUTERS = [Denying("auth")]

    assert run(SYSTEM=SYSTEM) == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (
            "N" * 256,
            f"application_name '{'N' * 40}…' has 256 characters; StoredEventRecord keeps 255 at most",
        ),
        ("N\0", "application_name 'N\\x00' contains a NUL, which databases cannot keep"),
    ],
)
def test_e018_a_name_that_cannot_be_kept(run, monkeypatch, name, fault):
    monkeypatch.setattr(schools.Shouting, "name", name)

    assert run(PIPES=[["tests.django.schools.Shouting"]]) == [
        (
            "E018 EVENTSOURCING['default'] has an application whose name cannot be kept with its "
            f"events: {fault}.  HINT: Set the class attribute 'name' to another name."
        )
    ]
    assert run(PIPES=[["tests.django.schools.Shouting"]], ENV=MEMORY) == []


def test_databases_that_keep_no_events_are_not_looked_at(run):
    databases = {"default": SQLITE, "events": {**SQLITE, "OPTIONS": RECOMMENDED}}

    assert run(databases, SYSTEM=SYSTEM, DATABASE="events") == []
    assert run(databases, SYSTEM=SYSTEM, ENV=MEMORY) == []


def test_exceptions_have_the_texts_of_the_checks(settings):
    settings.EVENTSOURCING = {"default": {"SYSTEM": "nowhere.system"}}

    with pytest.raises(ConfigurationError) as caught:
        get_system()

    assert str(caught.value) == (
        "EVENTSOURCING['default']['SYSTEM'] is 'nowhere.system', which cannot be imported: "
        "No module named 'nowhere'.  HINT: Give the dotted path of a System. "
        "(django_eventsourcing.E002)"
    )


class Sending:
    """A router that sends what an app writes to a database."""

    def __init__(self, label, alias):
        self.label, self.alias = label, alias

    def db_for_write(self, model, **hints):
        return self.alias if model._meta.app_label == self.label else None


TWO = {"default": {**SQLITE, "OPTIONS": RECOMMENDED}, "views": {**SQLITE, "OPTIONS": RECOMMENDED}}


@pytest.mark.parametrize("name", ["Tallies", "Declared"])
def test_w006_models_that_are_sent_elsewhere_than_the_position(run, settings, name):
    pipes = [["tests.core.school.DogSchool", f"tests.django.own_models.tallies.{name}"]]
    settings.DATABASE_ROUTERS = [Sending("own_models", "views")]

    assert run(TWO, PIPES=pipes) == [
        (
            f"W006 EVENTSOURCING['default'] keeps the position of {name} in the database 'default', "
            "and what its policy may write goes elsewhere: own_models.TrickCount to 'views'. Rows "
            "and position would not commit together.  HINT: Let db_for_write() of DATABASE_ROUTERS "
            f"return 'default' for them, or set DATABASE of {name}; where the policy writes none of "
            "them, or by .using('default'), silence this check."
        )
    ]


def test_w006_a_follower_that_is_kept_elsewhere_than_its_models(run):
    pipes = [["tests.core.school.DogSchool", "tests.django.own_models.tallies.Tallies"]]

    (text,) = run(TWO, PIPES=pipes, DATABASE="views")

    assert "own_models.TrickCount to 'default'" in text


def test_models_that_are_sent_where_the_position_is_pass(run, settings):
    pipes = [["tests.core.school.DogSchool", "tests.django.own_models.tallies.Tallies"]]
    settings.DATABASE_ROUTERS = [Sending("own_models", "views")]

    assert run(TWO, PIPES=pipes, APPLICATIONS={"Tallies": {"DATABASE": "views"}}) == []
    assert run(TWO, PIPES=pipes, ENV=MEMORY) == []


def test_e023_a_model_projection_in_memory(run):
    assert run(SYSTEM="tests.django.projections.boards.board_system", ENV=MEMORY) == [
        (
            "E023 EVENTSOURCING['default'] keeps the position of Board in memory, and it is a model "
            "projection: after a restart, every event would be projected once more.  HINT: Let "
            "DATABASE name the database of its models, and remove PERSISTENCE_MODULE from what "
            "applies to Board."
        )
    ]


def test_e024_a_model_projection_whose_models_are_sent_elsewhere(run, settings):
    settings.DATABASE_ROUTERS = [Sending("own_models", "views")]

    assert run(TWO, SYSTEM="tests.django.projections.boards.board_system") == [
        (
            "E024 EVENTSOURCING['default'] keeps the position of Board in the database 'default', "
            "and DATABASE_ROUTERS send what it projects elsewhere: own_models.TrickCount to "
            "'views'. Rows and position would not commit together.  HINT: Let db_for_write() of "
            "the routers return 'default' for them, or set DATABASE of Board in APPLICATIONS."
        )
    ]


@pytest.mark.parametrize(
    "models", [TrickCount, "own_models.TrickCount", ["own_models.TrickCount"], [System], None]
)
def test_e006_models_of_a_projection_that_are_no_list_of_models(run, monkeypatch, models):
    monkeypatch.setattr(Board, "models", models)

    assert run(SYSTEM="tests.django.projections.boards.board_system") == [
        (
            f"E006 Board has models = {models!r}, and it is a model projection.  HINT: Give a list "
            "of the classes of the models that it writes: models = [TrickCount]."
        )
    ]


def test_w008_a_model_projection_that_names_no_models(run, monkeypatch):
    monkeypatch.setattr(Board, "models", [])

    assert run(SYSTEM="tests.django.projections.boards.board_system") == [
        (
            "W008 tests.django.projections.boards.Board is a model projection that names no models: "
            "it can be neither rebuilt nor verified.  HINT: Name those that it writes, and nobody "
            "else, in the class attribute 'models'; where it writes none of its own, silence this "
            "check."
        )
    ]


def test_w009_a_model_projection_with_a_policy(run, monkeypatch):
    monkeypatch.setattr(Board, "policy", lambda *args: None, raising=False)

    assert run(SYSTEM="tests.django.projections.boards.board_system") == [
        (
            "W009 tests.django.projections.boards.Board has a policy(), and it is a model "
            "projection: events are given to process_event(), and policy() is never called.  "
            "HINT: Register a method for each class of events by @process_event.register, or "
            "derive the class from ProcessApplication; a method that process_event() itself calls "
            "needs another name."
        )
    ]


def test_a_model_projection_with_models_and_no_policy_passes(run):
    assert run(SYSTEM="tests.django.projections.boards.board_system") == []


@pytest.mark.parametrize("version", ["2", 0, True, 1.5, None])
def test_e006_a_version_of_a_projection_that_is_no_number(run, monkeypatch, version):
    monkeypatch.setattr(Board, "version", version)

    assert run(SYSTEM="tests.django.projections.boards.board_system") == [
        (
            f"E006 Board has version = {version!r}, and it is a model projection.  HINT: Give a "
            "whole number from 1."
        )
    ]


@pytest.mark.parametrize(("token", "fault"), [("s3cret", "is too short"), (5, "is no str")])
def test_e006_a_token_that_lets_nobody_in(run, settings, token, fault):
    settings.EVENTSOURCING_TOKEN = token

    assert run(SYSTEM=SYSTEM) == [
        (
            f"E006 EVENTSOURCING_TOKEN {fault}: nobody gets in by it.  HINT: Give a str of 16 "
            "characters or more that cannot be guessed, as secrets.token_urlsafe() makes them; or "
            "remove it."
        )
    ]


@pytest.mark.parametrize("label", [5, "x" * 41])
def test_e006_an_environment_that_fits_no_page(run, settings, label):
    settings.EVENTSOURCING_ENVIRONMENT = label

    assert run(SYSTEM=SYSTEM) == [
        f"E006 EVENTSOURCING_ENVIRONMENT is {label!r}.  HINT: Give a str of up to 40 characters."
    ]


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        (
            "DogSchool",
            {"SEGMENTS": 2},
            "which follows nothing: only followers have segments",
        ),
        (
            "Counters",
            {"SEGMENTS": 2, "ENV": MEMORY},
            "and keeps it in memory, where nothing is shared between workers",
        ),
    ],
)
def test_e022_segments_of_what_cannot_be_split(run, name, values, fault):
    [problem] = run(SYSTEM=SYSTEM, APPLICATIONS={name: values})

    assert problem == (
        f"E022 EVENTSOURCING['default'] splits {name} into 2 segments, {fault}.  "
        f"HINT: Remove SEGMENTS from ['APPLICATIONS'][{name!r}]."
    )


def test_e022_a_name_that_leaves_no_room_for_the_number(run, monkeypatch):
    name = "C" * 250
    monkeypatch.setattr(schools.Counters, "name", name)
    monkeypatch.setattr(schools, "system", System(pipes=[[schools.DogSchool, schools.Counters]]))

    [problem] = run(SYSTEM=SYSTEM, APPLICATIONS={name: {"SEGMENTS": 1024}})

    assert "E022 EVENTSOURCING['default'] splits CCC" in problem
    assert "has 261 characters; TrackingRecord keeps 255 at most." in problem
    assert f"HINT: Set the class attribute 'name' of {'C' * 20}… to a shorter name." in problem
