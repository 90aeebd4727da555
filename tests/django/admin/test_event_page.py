"""The page of a stored event: its fields, its payload in words, and its neighbours."""

import json
import zlib
from decimal import Decimal

import pytest

from django_eventsourcing.models import StoredEventRecord
from tests.django.admin.pages import EVENTS, link, text
from tests.django.admin.records import DOG, make_events

SCRIPT = "<script>alert('x')</script><b>&amp;</b>"


def page_of(client, record_or_id, **query):
    number = getattr(record_or_id, "pk", record_or_id)
    return client.get(f"{EVENTS}{number}/change/", query)


def last_event():
    return StoredEventRecord.objects.order_by("-id")[0]


def test_all_fields_are_shown(client, kennel):
    dog_id = kennel.register("Rex")
    event = last_event()

    shown = text(page_of(client, event))

    assert f"ID {event.pk} Application Kennel Class Dog.Registered" in shown
    assert "Topic tests.django.admin.kennel:Dog.Registered" in shown
    assert f"Originator ID {dog_id} Version 1 Recorded at" in shown


def test_payload_is_indented_json(client, kennel):
    dog_id = kennel.register("Rëx")
    kennel.weigh(dog_id, Decimal("31.50"))

    registered = text(page_of(client, last_event().pk - 1))
    weighed = text(page_of(client, last_event()))

    assert '"name": "Rëx"' in registered
    assert '"timestamp": "20' in registered
    assert '"kilograms": "31.50"' in weighed
    assert "_type_" not in weighed.partition("As it is stored")[0]


def test_payload_is_read_by_the_application_with_its_compression(client, settings):
    from django_eventsourcing import get_application
    from tests.django.admin.kennel import Kennel

    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "ENV": {"COMPRESSOR_TOPIC": "zlib"},
        }
    }
    get_application(Kennel).register("Rex")
    event = last_event()

    shown = text(page_of(client, event))

    assert b"Rex" not in bytes(event.state)
    assert b"Rex" in zlib.decompress(bytes(event.state))
    assert '"name": "Rex"' in shown


def test_markup_in_a_payload_is_shown_as_text(client, kennel):
    kennel.register(SCRIPT)

    response = page_of(client, last_event())
    page = response.content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(" in page
    assert f'"name": "{SCRIPT}"' in response.context["payload"].text


def test_page_has_no_inline_script(client, kennel):
    kennel.register("Rex")

    page = page_of(client, last_event()).content.decode()

    assert page.count("<script") == page.count("<script src=")
    assert " onclick=" not in page


def test_characters_that_mislead_are_shown_as_escapes(client, kennel):
    kennel.register("evil\u202ecod.exe\u200b")

    assert '"name": "evil\\u202ecod.exe\\u200b"' in text(page_of(client, last_event()))


@pytest.mark.parametrize(
    ("state", "topic", "reason"),
    [
        (b"null", None, "the state is NoneType, not a mapping"),
        (b"[]", None, "the state is list, not a mapping"),
        (b"NaN", None, "the state is float, not a mapping"),
        (b"", None, "JSONDecodeError"),
        (b"{", None, "JSONDecodeError"),
        (b"\xff\xfe\x00", None, "UnicodeDecodeError"),
        (b"[" * 100_000, None, "NestingTooDeepError"),
        (b'{"trick":' + b"9" * 10_000 + b"}", None, "ValueError"),
        (b'{"trick":{"_type_":"unknown","_data_":""}}', None, "TranscodingNotRegisteredError"),
        (b"{}", "tests.django.admin.kennel:Dog.Gone", "TopicError"),
        (b"{}", "no_such_module:Dog", "TopicError"),
        (b"{}", "tests.django.admin.kennel:Dog", "does not name an event class"),
        (b"{}", "<script>alert(1)</script>", "TopicError"),
        (b"{}", "", "Error"),
    ],
)
def test_payload_that_cannot_be_read_says_why(client, state, topic, reason):
    values = {} if topic is None else {"topic": topic}
    make_events(1, state=state, **values)

    response = page_of(client, 1)

    assert response.status_code == 200
    assert "The payload cannot be read. The event with topic" in text(response)
    assert reason in text(response)
    assert "<script>alert" not in response.content.decode()


def test_payload_with_lone_surrogates_is_shown(client):
    make_events(1, state=b'{"trick":"\\ud83d","timestamp":null}')

    response = page_of(client, 1)

    assert response.status_code == 200
    assert '"trick": "\\ud83d"' in text(response)


def test_very_long_payload_is_shortened(client):
    state = json.dumps({"trick": "x" * 1_000_000, "timestamp": None}).encode()
    make_events(1, state=state)

    response = page_of(client, 1)

    assert len(response.content) < 300_000
    assert "characters more" in text(response)


def test_state_is_also_shown_as_it_is_stored(client):
    make_events(2, state=lambda n: b'{"a":1}' if n == 1 else b"\x00\x01\x02\xff\x10")

    assert 'As it is stored (7 bytes) {"a":1}' in text(page_of(client, 1))
    assert "As it is stored (5 bytes) 000102ff 10" in text(page_of(client, 2))


def test_event_of_an_unknown_application_is_shown_as_it_is_stored(client):
    make_events(1, application_name="Forgotten", state=b'{"a":1}')

    shown = text(page_of(client, 1))

    assert "No configured system has an application named “Forgotten”" in shown
    assert '{"a":1}' in shown


def test_metadata_is_shown(client):
    make_events(1, metadata={"user": SCRIPT})

    response = page_of(client, 1)

    assert "Metadata" in text(response)
    assert "&lt;script&gt;" in response.content.decode()
    assert "<script>alert" not in response.content.decode()


def test_each_key_of_the_metadata_has_a_row_with_its_kind(client):
    metadata = {
        "tags": ["a"],
        "user": 7,
        "paid": True,
        "note": None,
        "\u202eevil": "x",
        "causation_id": "Kennel:99",
        "correlation_id": "request 1",
    }
    make_events(1, metadata=metadata)

    shown = text(page_of(client, 1))

    assert (
        "Metadata Correlation request 1 text Search by this: Correlation Causation Kennel:99 text "
        "User 7 number Search by this: User note null null "
        'paid true truth value tags 0 "a" text list \\u202eevil x text'
    ) in shown


def test_without_metadata_there_are_no_rows(client):
    make_events(1)

    assert "Metadata" not in text(page_of(client, 1))


def test_what_is_no_mapping_is_shown_as_it_is(client):
    make_events(1, metadata=[1])

    assert "Metadata Metadata 0 1 number list" in text(page_of(client, 1))


def test_the_causation_leads_to_the_event_if_it_is_there(client):
    causes = {2: "Tally:1", 3: "Kennel:77", 4: "Nobody:1", 5: "order 7", 6: "Kennel:1"}
    make_events(
        6,
        application_name=lambda n: "Tally" if n == 1 else "Kennel",
        metadata=lambda n: {"causation_id": causes[n]} if n in causes else {},
    )

    assert "ID 1 " in text(client.get(link(page_of(client, 2), "Tally:1")))
    for number in (3, 4, 5, 6):
        page = page_of(client, number)
        assert f"Causation {causes[number]} text" in text(page)
        assert link(page, causes[number]) is None


def test_neighbours_in_the_stream_and_in_the_log_are_linked(client):
    other = "00000000-0000-0000-0000-000000000007"
    make_events(
        6,
        originator_id=lambda n: other if n in (2, 5) else DOG,
        application_name=lambda n: "Tally" if n == 4 else "Kennel",
    )

    shown = text(page_of(client, 3))

    assert "In this stream Previous: 1 Next: 6 In this log Previous: 2 Next: 5" in shown


def test_link_leads_to_the_next_event(client):
    make_events(2)

    response = client.get(link(page_of(client, 1), "Next"))

    assert "ID 2 " in text(response)


def test_only_event_has_no_neighbours(client):
    make_events(1)

    assert "In this stream" not in text(page_of(client, 1))


@pytest.mark.parametrize("number", ["7", "abc", "-1", str(2**63), "1' OR 1=1", "_5Fx"])
def test_event_that_is_not_there_is_not_found(client, number):
    assert client.get(f"{EVENTS}{number}/change/").status_code == 404


@pytest.mark.parametrize("reads", ["first", "order_by"])
def test_database_that_cannot_be_read_is_told(client, monkeypatch, reads):
    from django.db import OperationalError

    from django_eventsourcing.querysets import StoredEventQuerySet

    def fail(*args, **kwargs):
        raise OperationalError("connection refused")

    make_events(1)
    monkeypatch.setattr(StoredEventQuerySet, reads, fail)

    response = page_of(client, 1)

    assert response.status_code == 200
    assert "The database “default” cannot be read: connection refused" in text(response)


@pytest.mark.parametrize("alias", ["nowhere", "'; --", "<script>"])
def test_database_that_is_not_configured_is_not_found(client, alias):
    make_events(1)

    assert page_of(client, 1, database=alias).status_code == 404


def test_values_are_told_with_their_kinds_and_fold(client, kennel):
    dog_id = kennel.register("Rex")
    kennel.weigh(dog_id, Decimal("31.50"))
    make_events(
        1,
        number=lambda n: 100,
        state=json.dumps({"timestamp": None, "trick": {"b": [1, {"c": True}]}}).encode(),
    )

    assert 'kilograms "31.50" Decimal' in text(page_of(client, last_event().pk - 98))
    page = page_of(client, 100)
    assert "trick object, 1 value b list, 2 values 0 1 number 1 object, 1 value c true" in text(
        page
    )
    assert page.content.decode().count("<details open>") == 3


def test_deep_and_large_values_are_bounded(client):
    deep = {}
    for _ in range(90):
        deep = {"in": deep}
    make_events(
        2,
        state=lambda n: json.dumps(
            {"timestamp": None, "trick": deep if n == 1 else list(range(10_000))}
        ).encode(),
    )

    assert page_of(client, 1).content.decode().count("<details open>") < 10
    assert "more" in text(page_of(client, 2))
    assert len(page_of(client, 2).content) < 300_000


def test_what_is_stored_is_beside_what_is_read_after_upcasting(client, monkeypatch):
    from tests.django.admin.kennel import Dog

    def upcast_v1_v2(state):
        state["trick"] = state.pop("name").upper()

    monkeypatch.setattr(Dog.TrickAdded, "class_version", 2, raising=False)
    monkeypatch.setattr(Dog.TrickAdded, "upcast_v1_v2", staticmethod(upcast_v1_v2), raising=False)
    make_events(1, state=b'{"name":"sit","timestamp":null}')

    shown = text(page_of(client, 1))

    assert (
        "As stored at version 1 of its class, and as read now, at version 2 "
        'Name As stored As read now timestamp null null trick added "SIT" name removed "sit"'
    ) in shown


def test_what_is_read_as_it_is_stored_is_shown_once(client, kennel):
    kennel.register("Rex")

    assert "As read now" not in text(page_of(client, last_event()))


def test_an_event_whose_class_is_gone_is_decoded_all_the_same(client):
    make_events(1, topic="tests.django.admin.kennel:Dog.Gone", state=b'{"trick":"sit"}')

    assert 'As stored, at version 1 of its class Name As stored trick "sit"' in text(
        page_of(client, 1)
    )
