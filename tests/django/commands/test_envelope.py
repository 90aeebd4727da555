"""The envelope of ``--json``: one line, one order of keys, nothing that happens to be printable."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest

from django_eventsourcing.management.envelope import envelope, to_plain

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class Colour(StrEnum):
    BROWN = "brown"


@dataclass(frozen=True, kw_only=True)
class Dog:
    name: str
    id: UUID
    colour: Colour
    born: datetime
    tricks: tuple[str, ...] = ()


FIDO = Dog(name="Fido", id=UUID(int=1), colour=Colour.BROWN, born=NOON, tricks=("sit",))


def test_the_text_is_the_same_for_the_same_data():
    assert envelope("es_dogs", [FIDO], generated_at=NOON) == (
        '{"schema": "django_eventsourcing.es_dogs", "version": 1, '
        '"generated_at": "2026-01-02T12:00:00Z", "data": [{"name": "Fido", '
        '"id": "00000000-0000-0000-0000-000000000001", "colour": "brown", '
        '"born": "2026-01-02T12:00:00Z", "tricks": ["sit"]}]}'
    )


def test_it_says_when_it_was_made():
    before = datetime.now(UTC)

    made = datetime.fromisoformat(json.loads(envelope("es_dogs", None))["generated_at"])

    assert before <= made <= datetime.now(UTC)


def test_what_could_not_be_seen_or_sent_is_escaped():
    text = envelope("es_dogs", "half \ud800, red \x9b31m, a\u202eb")

    assert text.endswith(r'"half \ud800, red \u009b31m, a\u202eb"}')
    assert json.loads(text)["data"] == "half \ud800, red \x9b31m, a\u202eb"


def test_line_breaks_stay_within_the_line():
    assert "\n" not in envelope("es_dogs", {"note": "two\nlines"})


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (NOON.astimezone(timezone(timedelta(hours=2))), "2026-01-02T12:00:00Z"),
        (timedelta(minutes=1.5), 90.0),
        (Decimal("1.50"), "1.50"),
        (NOON.date(), "2026-01-02"),
        ({"b", "a"}, ["a", "b"]),
        ({UUID(int=2): 1}, {"00000000-0000-0000-0000-000000000002": 1}),
        (None, None),
        (True, True),
    ],
)
def test_each_kind_of_value_has_one_form(value, plain):
    assert to_plain(value) == plain


def test_what_has_no_form_is_refused_by_its_type():
    with pytest.raises(TypeError) as caught:
        to_plain({"secret": object()})

    assert str(caught.value) == (
        "object has no form in JSON.  HINT: Give text, numbers, times, UUIDs, dataclasses, or "
        "lists and dicts of them."
    )


def test_a_time_without_a_zone_is_that_of_the_settings(settings):
    settings.TIME_ZONE = "Asia/Tokyo"

    assert to_plain(NOON.replace(tzinfo=None)) == "2026-01-02T03:00:00Z"


def test_a_number_that_json_does_not_have_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        envelope("es_dogs", float("nan"))
