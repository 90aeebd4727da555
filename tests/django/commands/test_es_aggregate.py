"""``manage.py es_aggregate``: what is shown of an aggregate, now and then."""

from datetime import UTC, datetime
from uuid import uuid4

from django_eventsourcing.models import StoredEventRecord
from tests.django.commands.calls import call, data_of
from tests.django.status.rows import add_tricks


def test_it_is_shown_at_its_last_version(configured, database):
    configured()
    dog_id = add_tricks("sit", "beg")

    code, text = call("es_aggregate", "DogSchool", str(dog_id))

    assert code == 0
    head, event, *state = text.splitlines()
    assert head == f"{dog_id} of DogSchool at version 3 of 3: Dog"
    assert f"{dog_id}  v3  Dog.TrickAdded  {{" in event
    assert [line for line in state if "_on: " not in line] == [
        '  name: "Fido"',
        '  tricks: ["sit", "beg"]',
    ]


def test_it_is_shown_at_an_earlier_version_with_what_changed(configured, database):
    configured()
    dog_id = add_tricks("sit", "beg")

    code, text = call("es_aggregate", "DogSchool", str(dog_id), "--version=2", "--diff")

    assert code == 0
    head, _, *changes = text.splitlines()
    assert head == f"{dog_id} of DogSchool at version 2 of 3: Dog"
    assert changes == ["- tricks: []", '+ tricks: ["sit"]']


def test_it_is_shown_as_it_was_at_a_time(configured, database):
    configured()
    dog_id = add_tricks("sit", "beg")
    for version in (1, 2, 3):
        StoredEventRecord.objects.using(database).filter(originator_version=version).update(
            recorded_at=datetime(2026, 1, version, 12, tzinfo=UTC)
        )

    heads = [
        call("es_aggregate", "DogSchool", str(dog_id), "--at", at)[1].splitlines()[0]
        for at in ("2026-01-02", "2026-01-02 12:00:00", "2026-01-03T13:00:00+02:00", "2027-01-01")
    ]

    assert [head.partition("version ")[2] for head in heads] == [
        "1 of 3: Dog",
        "2 of 3: Dog",
        "2 of 3: Dog",
        "3 of 3: Dog",
    ]
    assert call("es_aggregate", "DogSchool", str(dog_id), "--at=2026-01-01") == (
        1,
        (
            f"{dog_id} had no events at 2026-01-01 00:00:00 UTC.  HINT: Its first was recorded at "
            "2026-01-01 12:00:00 UTC."
        ),
    )


def test_the_data_has_the_state_and_what_changed(configured, database):
    configured()
    dog_id = add_tricks("sit")

    code, data = data_of("es_aggregate", "DogSchool", str(dog_id))

    assert code == 0
    assert data["event"]["originator_id"] == str(dog_id)
    assert data["state"]["tricks"] == ["sit"]
    assert data["changes"] == [
        {"name": "tricks", "kind": "changed", "before": [], "after": ["sit"]}
    ]
    assert (data["version"], data["last_version"], data["class_name"], data["error"]) == (
        2,
        2,
        "Dog",
        "",
    )


def test_what_cannot_be_shown_is_told_with_the_remedy(configured, database):
    configured()
    dog_id = add_tricks("sit")
    other = uuid4()

    assert call("es_aggregate", "DogSchool", str(other)) == (
        1,
        (
            f"DogSchool has no aggregate {other}.  HINT: Give the id as 'manage.py es_events DogSchool' "
            "shows it."
        ),
    )
    assert call("es_aggregate", "DogSchool", str(dog_id), "--version=9") == (
        1,
        (
            f"{dog_id} has no version 9; its last is 2.  HINT: 'manage.py es_events DogSchool "
            f"--aggregate {dog_id}' shows its versions."
        ),
    )
    assert call("es_aggregate", "DogSchool", "Fido") == (
        2,
        (
            "Fido: \u201cFido\u201d is not a valid UUID.  HINT: Give the id as 'manage.py es_events "
            "DogSchool' shows it."
        ),
    )
    _, text = call("es_aggregate", "DogSchool", str(dog_id), "--at=yesterday")
    assert "'yesterday' is not a time such as 2026-01-31 or '2026-01-31 12:00:00'" in text


def test_an_aggregate_that_cannot_be_made_again(configured, database):
    configured()
    dog_id = add_tricks("sit")
    StoredEventRecord.objects.using(database).filter(originator_version=2).update(
        topic="tests.core.school:Dog.Unknown"
    )

    code, text = call("es_aggregate", "DogSchool", str(dog_id))

    assert code == 1
    assert f"{dog_id} of DogSchool at version 2 of 2\n" in text
    assert f"{dog_id} cannot be made again: " in text
    assert "HINT: 'manage.py es_verify --only aggregates' looks for what else is wrong." in text
