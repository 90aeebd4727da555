"""``manage.py es_events``: what is in a log, what comes, and quiet ends."""

import json
import re
import signal
import subprocess
import sys
from uuid import uuid4

import pytest

from django_eventsourcing import event_metadata, get_application
from django_eventsourcing.catalogue import EventClass
from django_eventsourcing.management.commands import es_events
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.querysets import StoredEventQuerySet
from tests.core.school import DogSchool
from tests.databases import on
from tests.django.commands.calls import call, data_of
from tests.django.commands.processes import ROOT, Manage, child_environment
from tests.django.status.rows import add_tricks, ids_of
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("default")


def ids_in(text):
    return [int(line.split()[0]) for line in text.splitlines()]


def test_events_are_shown_in_the_order_of_the_log(configured, database):
    configured()
    dog_id = add_tricks("sit", "s\u00edt")
    first, second, third = ids_of(database)

    code, text = call("es_events", "DogSchool")

    assert code == 0
    lines = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line.pop(1)) for line in lines)
    registered, *added = lines
    assert registered[:4] == [str(first), str(dog_id), "v1", "Dog.Registered"]
    assert json.loads(registered[4])["name"] == "Fido"
    assert [line[:4] for line in added] == [
        [str(second), str(dog_id), "v2", "Dog.TrickAdded"],
        [str(third), str(dog_id), "v3", "Dog.TrickAdded"],
    ]
    assert '"trick": "s\u00edt"' in added[1][4]


def test_the_data_has_all_of_an_event(configured, database):
    configured()
    dog_id = add_tricks("sit")

    code, data = data_of("es_events", "DogSchool", "--newest", "--limit=1")

    assert code == 0
    [event] = data["events"]
    assert event.pop("recorded_at").endswith("Z")
    assert event.pop("values").keys() == {"trick", "timestamp"}
    assert event == {
        "id": ids_of(database)[-1],
        "application": "DogSchool",
        "originator_id": str(dog_id),
        "originator_version": 2,
        "topic": "tests.core.school:Dog.TrickAdded",
        "metadata": {},
        "error": "",
    }


def test_the_first_or_the_newest_are_shown_up_to_the_limit(configured, database):
    configured()
    add_tricks("sit", "stay", "roll")
    ids = ids_of(database)

    assert ids_in(call("es_events", "DogSchool", "--limit=2")[1]) == ids[:2]
    assert ids_in(call("es_events", "DogSchool", f"--after={ids[1]}")[1]) == ids[2:]
    assert ids_in(call("es_events", "DogSchool", "--newest", "--limit=2")[1]) == ids[:1:-1]
    assert call("es_events", "DogSchool", "--limit=0") == (0, "")


@pytest.mark.long_elsewhere("postgres")
def test_more_than_a_batch_is_read(configured, database):
    configured()
    add_tricks(*["sit"] * 120)

    text = call("es_events", "DogSchool", "--limit=1000")[1]
    newest = call("es_events", "DogSchool", "--limit=110", "--newest")[1]

    ids = ids_of(database)
    assert ids_in(text) == ids
    assert ids_in(newest) == ids[:-111:-1]


def test_one_aggregate_or_one_class_is_shown(configured, database):
    configured()
    first = add_tricks("sit")
    add_tricks("stay")
    ids = ids_of(database)

    assert ids_in(call("es_events", "DogSchool", f"--aggregate={first}")[1]) == ids[:2]
    for topic in ("TrickAdded", "Dog.TrickAdded", "tests.core.school:Dog.TrickAdded"):
        assert ids_in(call("es_events", "DogSchool", f"--topic={topic}")[1]) == ids[1::2]
    newest = ("--newest", f"--aggregate={first}", "--topic=TrickAdded")
    assert ids_in(call("es_events", "DogSchool", *newest)[1]) == [ids[1]]
    assert call("es_events", "DogSchool", f"--aggregate={uuid4()}") == (0, "")


def test_memory_serves_alike(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    first = add_tricks("sit")
    add_tricks("stay")

    assert ids_in(call("es_events", "DogSchool")[1]) == [1, 2, 3, 4]
    assert ids_in(call("es_events", "DogSchool", "--newest", "--limit=3")[1]) == [4, 3, 2]
    assert ids_in(call("es_events", "DogSchool", f"--aggregate={first}")[1]) == [1, 2]


def test_an_event_that_cannot_be_read_is_told_in_its_line(configured, database):
    configured()
    add_tricks("sit")
    first, second = ids_of(database)
    StoredEventRecord.objects.using(database).filter(id=first).update(topic="gone.away:Dog")
    StoredEventRecord.objects.using(database).filter(id=second).update(state=b"\xff{")

    code, text = call("es_events", "DogSchool")
    _, data = data_of("es_events", "DogSchool")

    assert code == 0
    one, two = text.splitlines()
    assert "  Dog  cannot be read: " in one
    assert "gone.away" in one
    assert "  Dog.TrickAdded  cannot be read: " in two
    assert [event["values"] for event in data["events"]] == [None, None]
    assert all(event["error"] for event in data["events"])


def test_what_commands_a_terminal_is_shown_as_an_escape(configured):
    configured()
    get_application(DogSchool).register_dog("\x1b[31m\x9b31m\u202e")

    text = call("es_events", "DogSchool")[1]

    assert r'"\u001b[31m\u009b31m\u202e"' in text


def recorded(*, correlation_id=None, **keys):
    with event_metadata(correlation_id=correlation_id, **keys):
        return add_tricks("sit")


def test_metadata_is_shown_and_in_short_in_a_line(configured):
    configured()
    recorded(correlation_id="request/1", causation_id="Shop:7", user="Ann Lee", order=[1])
    recorded(user=7)

    text = call("es_events", "DogSchool")[1]
    _, data = data_of("es_events", "DogSchool", "--newest", "--limit=1")

    lines = text.splitlines()
    assert lines[0].endswith('}  correlation=request/1 causation=Shop:7 user="Ann Lee"')
    assert lines[2].endswith("}  user=7")
    assert data["events"][0]["metadata"] == {"user": 7}


def test_events_of_a_correlation_or_of_a_user_are_shown(configured, database):
    configured()
    recorded(correlation_id="one", user="ann")
    second = recorded(correlation_id="One", user="7")
    recorded(correlation_id="one", user=7)
    add_tricks("stay")
    ids = ids_of(database)

    def shown(*options):
        return ids_in(call("es_events", "DogSchool", *options)[1])

    assert shown("--correlation=one") == ids[:2] + ids[4:6]
    assert shown("--correlation=One") == ids[2:4]
    assert shown("--user=7") == ids[2:6]
    assert shown("--correlation=one", "--user=7", "--newest") == ids[5:3:-1]
    assert shown("--user=7", "--topic=TrickAdded", "--limit=1") == [ids[3]]
    assert shown("--user=7", f"--aggregate={second}") == ids[2:4]
    assert shown("--user=7", f"--after={ids[3]}") == ids[4:6]
    assert shown("--follow", "--after=0", "--user=7", "--limit=4") == ids[2:6]
    assert shown("--user=nobody") == []


def test_the_search_is_bounded_and_tells_where_to_go_on(configured, database):
    configured()
    for _ in range(3):
        recorded(user="ann")
    ids = ids_of(database)
    after = ids[0] - 1
    options = ("es_events", "DogSchool", f"--after={after}", "--search=2", "--user=ann")

    first = call(*options)[1].splitlines()
    newest = call(*options, "--newest")[1].splitlines()
    _, data = data_of(*options)

    assert ids_in("\n".join(first[:-1])) == ids[:2]
    assert first[-1] == (
        f"Searched the ids {ids[0]} to {ids[1]} of {ids[-1]} only. Give --search a larger number, "
        f"or go on: --after {ids[1]}."
    )
    assert ids_in("\n".join(newest[:-1])) == ids[:3:-1]
    assert newest[-1] == (
        f"Searched the ids {ids[4]} to {ids[5]} of {ids[5]} only. Give --search a larger number."
    )
    assert data["searched"] == {"after": after, "until": ids[1], "last": ids[-1], "is_all": False}


def test_a_correlation_is_found_by_its_index_or_searched_where_there_is_none(
    configured, database, monkeypatch
):
    configured()
    recorded(correlation_id="one", user="ann")
    add_tricks("stay", "fetch")
    first = ids_of(database)[:2]
    options = ("es_events", "DogSchool", "--correlation=one", "--search=1", "--newest")

    indexed = call(*options)[1]
    with_user = call(*options, "--user=ann")[1]
    monkeypatch.setattr(StoredEventQuerySet, "has_correlation_index", lambda events: False)
    searched = call(*options)[1]

    assert ids_in(indexed) == ids_in(with_user) == first[::-1]
    assert "Searched" not in indexed + with_user
    assert searched.startswith("Searched the ids ")


def test_in_memory_nothing_is_recorded_with_the_events(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    recorded(user="ann")

    assert call("es_events", "DogSchool", "--user=ann") == (0, "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["DogSchol"],
            (
                "No configured system has an application 'DogSchol'.  "
                "HINT: Did you mean 'DogSchool'?"
            ),
        ),
        (
            ["DogSchool", "--topic=Dog.TrickAded"],
            (
                "--topic Dog.TrickAded: there is no class of events of this name.  "
                "HINT: Did you mean 'Dog.TrickAdded'"
            ),
        ),
        (
            ["DogSchool", "--topic=zzzzzzzzzz"],
            (
                "--topic zzzzzzzzzz: there is no class of events of this name.  HINT: Give the "
                "name of a class as 'manage.py es_events DogSchool' shows it."
            ),
        ),
        (
            ["DogSchool", "--aggregate=Fido"],
            (
                "--aggregate Fido: \u201cFido\u201d is not a valid UUID.  "
                "HINT: Give the id as 'es_events DogSchool' shows it."
            ),
        ),
    ],
)
def test_what_is_not_there_is_told_with_the_remedy(configured, args, message):
    configured()

    code, told = call("es_events", *args)

    # Other tests may have classes of a like name.
    assert (code, told[: len(message)]) == (2, message)


def test_three_classes_at_most_are_suggested(configured, monkeypatch):
    configured()
    topics = [f"tests:Dog{n}.TrickAdded" for n in range(9)] + ["tests:Dog.Walked"]
    classes = [EventClass(module="tests", name=t.partition(":")[2], topic=t) for t in topics]
    monkeypatch.setattr(es_events, "event_classes", lambda: classes)

    _, text = call("es_events", "DogSchool", "--topic=trickaded")

    assert text.endswith(
        "HINT: Did you mean 'Dog0.TrickAdded' or 'Dog1.TrickAdded' or 'Dog2.TrickAdded'?"
    )


def test_newest_and_follow_exclude_each_other(configured):
    configured()

    assert call("es_events", "DogSchool", "--newest", "--follow") == (
        1,
        "Error: argument --follow: not allowed with argument --newest",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_comes_is_followed_until_a_signal(configured, database, number):
    setting = configured()
    add_tricks("old")

    with Manage("es_events", "DogSchool", "--follow", "--json", eventsourcing=setting) as follow:
        wait_until(lambda: recorded_and_seen(follow), "following", 60)
        follow.send(number)

        assert follow.wait() == 0
        events = [json.loads(line)["data"] for line in follow.output.splitlines()]

    assert {event["values"].get("trick") for event in events} <= {None, "new"}
    seen = [event["id"] for event in events]
    assert seen == sorted(seen)


def recorded_and_seen(follow):
    """Record until the command, which needs a moment to start, has seen some of it."""
    add_tricks("new")
    return follow.output.count("\n") >= 4


def test_following_from_an_id_begins_there_and_ends_at_the_limit(configured, database):
    configured()
    add_tricks("sit", "stay", "roll")
    ids = ids_of(database)

    code, text = call("es_events", "DogSchool", "--follow", f"--after={ids[0]}", "--limit=2")

    assert (code, ids_in(text)) == (0, ids[1:3])


def test_following_one_aggregate(configured, database):
    configured()
    add_tricks("sit")
    second = add_tricks("stay")
    options = ("--follow", "--after=0", f"--aggregate={second}", "--limit=2")

    assert ids_in(call("es_events", "DogSchool", *options)[1]) == ids_of(database)[2:]


@on("default")
@pytest.mark.parametrize("options", [["--limit=5000"], ["--follow", "--after=0"]])
def test_a_reader_that_has_had_enough_ends_it_quietly(configured, options):
    setting = configured()
    # More than fits into a pipe: the command is at work when the reader goes.
    for _ in range(60):
        get_application(DogSchool).register_dog("Fido" * 1000)

    with subprocess.Popen(
        [sys.executable, "-m", "django", "es_events", "DogSchool", *options],
        cwd=ROOT,
        env=child_environment(setting),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as command:
        assert b"Dog.Registered" in command.stdout.readline()
        command.stdout.close()
        complaint = command.stderr.read()
        command.wait(60)

    assert (command.returncode, complaint) == (0, b"")
