"""``manage.py run_system``: what it prints, and the codes that it exits with."""

import io
import re
from typing import ClassVar

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connections

from django_eventsourcing import get_application
from django_eventsourcing.registry import reset
from django_eventsourcing.runners import ThreadedRunner
from tests.core.school import Counters, DogSchool, Tally

pytestmark = pytest.mark.long_elsewhere("default")

QUICK = {"retries": 0}


def add_tricks(*tricks):
    school = get_application(DogSchool)
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)


def run_system(*args):
    out = io.StringIO()
    call_command("run_system", *args, stdout=out, stderr=out)
    return out.getvalue()


def refused(*args):
    with pytest.raises(CommandError) as caught:
        run_system(*args)
    return caught.value.returncode, str(caught.value)


def test_once_processes_everything_and_says_so(configured, database):
    configured()
    add_tricks("sit", "sit", "stay")

    output = run_system("--once")

    assert get_application(Tally).get_total() == 3
    lines = output.splitlines()
    assert lines[0] == "System 'default': DogSchool > Counters, Counters > Tally"
    assert re.fullmatch(rf"  databases  {database} \(\w+ at \S+\)", lines[1])
    assert lines[2:4] == ["  followers  Counters, Tally", "  polling    until caught up"]
    table = [re.split(r"  +", line) for line in lines[lines.index("") + 1 :]]
    assert [(row[0], row[1], row[4], row[6]) for row in table] == [
        ("follower", "upstream", "processed", "state"),
        ("Counters", "DogSchool", "4", "caught up"),
        ("Tally", "Counters", "5", "caught up"),
    ]


def test_once_again_processes_nothing(configured):
    configured()
    add_tricks("sit")
    run_system("--once")

    output = run_system("--once")

    assert "Counters +" not in output
    assert get_application(Counters).get_count("sit") == 1


def test_only_and_exclude_choose_the_followers(configured):
    configured()
    add_tricks("sit")

    assert "  followers  Counters\n" in run_system("--once", "--exclude", "Tally")
    assert get_application(Tally).get_total() == 0
    assert "  followers  Tally\n" in run_system("--once", "--only", "Tally")
    assert get_application(Tally).get_total() == 1


@pytest.mark.parametrize("option", ["--only", "--exclude"])
def test_an_unknown_follower_is_named_with_the_known_ones(configured, option):
    configured()

    assert refused(option, "Countres") == (
        2,
        (
            f"{option} Countres: system 'default' has no such follower.  "
            "HINT: Its followers: Counters, Tally."
        ),
    )


def test_leaving_out_all_followers_is_refused(configured):
    configured()

    assert refused("--exclude", "Counters", "--exclude", "Tally") == (
        2,
        (
            "--exclude leaves no follower to run in system 'default'.  "
            "HINT: Its followers: Counters, Tally."
        ),
    )


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--batch-size", "0", "'0' is not a whole number from 1"),
        ("--batch-size", "x", "'x' is not a whole number from 1"),
        ("--poll-interval", "0", "'0' is not a number of seconds above 0, up to 86400"),
        ("--poll-interval", "inf", "'inf' is not a number of seconds above 0, up to 86400"),
        ("--drain-timeout", "nan", "'nan' is not a number of seconds above 0, up to 86400"),
        ("--worker-name", "w" * 256, "a name of 256 characters; 255 at most"),
    ],
)
def test_options_out_of_range_are_refused(settings, option, value, message):
    with pytest.raises(CommandError, match=re.escape(message)):
        run_system(option, value)


def test_an_unknown_system_is_told_with_the_nearest(configured):
    configured()

    assert refused("defualt") == (
        2,
        "There is no system 'defualt' in EVENTSOURCING.  HINT: Did you mean 'default'?",
    )


def test_a_typo_in_the_settings_is_told_in_one_line(settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "tests.django.schools.system"}}

    assert refused() == (
        1,
        (
            "EVENTSOURCING['default'] has the unknown key 'SYTEM'.  HINT: Did you mean 'SYSTEM'? "
            "(django_eventsourcing.E001)"
        ),
    )


def test_a_path_that_does_not_import_is_told_in_one_line(settings):
    settings.EVENTSOURCING = {"default": {"SYSTEM": "school.system"}}

    assert refused() == (
        1,
        (
            "EVENTSOURCING['default']['SYSTEM'] is 'school.system', which cannot be imported: No "
            "module named 'school'.  HINT: Give the dotted path of a System. "
            "(django_eventsourcing.E002)"
        ),
    )


def test_warnings_are_told_and_do_not_stop_it(settings, monkeypatch):
    settings.EVENTSOURCING = {"default": {"PIPES": [["tests.core.school.DogSchool"]]}}
    monkeypatch.setitem(django_settings.DATABASES["default"], "OPTIONS", {})
    err = io.StringIO()

    with pytest.raises(CommandError, match="has no followers") as caught:
        call_command("run_system", stderr=err)

    assert str(caught.value) == (
        "System 'default' has no followers.  HINT: A pipe leads from an application to its "
        "follower: give it two classes or more."
    )
    assert err.getvalue().startswith("WARNING: The SQLite database 'default' keeps events, with ")
    assert err.getvalue().endswith("(django_eventsourcing.W001)\n")


def test_an_application_that_cannot_be_built_is_told_in_one_line(settings, db):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "nowhere"},
        }
    }

    code, text = refused()
    reset()

    assert code == 1
    assert text.startswith("PERSISTENCE_MODULE is 'nowhere', which cannot be resolved")
    assert "\n" not in text


def test_once_exits_with_3_when_a_follower_has_failed(configured):
    configured("poisoned_system", ON_ERROR=QUICK)
    add_tricks("sit", "sing")

    assert refused("--once") == (
        3,
        (
            "Not caught up: Poisoned failed.  HINT: Try it by 'manage.py es_retry FOLLOWER "
            "--dry-run'; remove the cause and start again."
        ),
    )
    assert get_application(Counters).get_count("sing") == 1


def test_a_run_to_catch_up_does_not_wait_for_code_to_change(configured):
    configured()

    assert refused("--once", "--reload") == (
        2,
        (
            "--once and --reload exclude each other: a run that ends when it has caught up does "
            "not wait for code to change.  HINT: Leave one of them out."
        ),
    )


class Watchful(ThreadedRunner):
    """Notes whether the starting thread holds a connection while the followers work."""

    held: ClassVar[list[bool]] = []

    def wait(self, timeout=None):
        self.held += [connections[alias].connection is not None for alias in self.system.databases]
        return super().wait(timeout)


def test_the_main_thread_holds_no_connection_while_followers_work(configured):
    configured()["default"]["RUNNER"] = f"{__name__}.Watchful"
    add_tricks("sit")

    run_system("--once")

    assert Watchful.held
    assert not any(Watchful.held)


def test_memory_serves_where_no_database_is_wanted(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.long_system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    add_tricks("sit", "sit")

    output = run_system("--once")

    assert "  databases  none (memory)\n" in output
    assert get_application(Tally).get_total() == 2
    reset()
