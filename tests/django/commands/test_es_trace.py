"""``manage.py es_trace``: a tree for people, and an envelope for scripts."""

from django_eventsourcing.metadata import event_metadata
from django_eventsourcing.models import StoredEventRecord
from tests.django.commands.calls import call, data_of
from tests.django.status.rows import add_tricks, ids_of


def recorded(database):
    """Record three events of one correlation, the last of which follows from the first."""
    with event_metadata(correlation_id="request 7"):
        add_tricks("sit", "beg")
    ids = ids_of(database)
    last = StoredEventRecord.objects.using(database).get(id=ids[-1])
    last.metadata["causation_id"] = f"DogSchool:{ids[0]}"
    last.save(using=database, update_fields=["metadata"])
    return ids


def test_events_are_below_their_causes(configured, database):
    configured()
    ids = recorded(database)

    code, text = call("es_trace", "request 7")

    head, first, second, third = text.splitlines()
    assert code == 0
    assert head.startswith("request 7: 3 events in 0.")
    assert first.startswith(f"DogSchool:{ids[0]}  20")
    assert "  +0.000 s  " in first
    assert first.endswith("  v1  Dog.Registered")
    assert second.startswith(f"  DogSchool:{ids[2]}  ")
    assert third.startswith(f"DogSchool:{ids[1]}  ")


def test_an_event_leads_to_its_trace(configured, database):
    configured()
    ids = recorded(database)

    code, data = data_of("es_trace", f"DogSchool:{ids[1]}")

    assert code == 0
    assert data["correlation_id"] == "request 7"
    assert [each["event"]["id"] for each in data["events"]] == [ids[0], ids[2], ids[1]]
    assert [each["depth"] for each in data["events"]] == [0, 1, 0]
    assert (data["is_cut"], data["unindexed"]) == (False, [])


def test_a_cause_that_is_not_there_is_told(configured, database):
    configured()
    with event_metadata(correlation_id="one", causation_id="CatSchool:7"):
        add_tricks()

    _, text = call("es_trace", "one")

    assert text.splitlines()[1].endswith("  its cause is CatSchool:7, which is not here")


def test_a_trace_that_nobody_has_recorded(configured, database):
    configured()

    code, text = call("es_trace", "one")

    said, _, hint = text.partition("  HINT: ")
    assert code == 1
    assert said == "No event has been recorded with the correlation id 'one'."
    assert hint == (
        "Give a correlation id as 'manage.py es_events' shows it, or an event by its application and "
        "id, such as DogSchool:4711."
    )
