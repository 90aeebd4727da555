"""Wordings: English wherever they are kept or printed; the reader's language where it is asked for."""

import copy
import json
import pickle

import pytest
from django.utils import translation

from django_eventsourcing.progress import format_duration, format_rate
from django_eventsourcing.wording import Figure, Words, for_reader


@pytest.fixture(autouse=True)
def german():
    with translation.override("de"):
        yield


def pending(number):
    return Words.ngettext(
        "%(count)s event is pending",
        "%(count)s events are pending",
        number,
        count=Figure.of(number),
    )


@pytest.mark.parametrize(
    ("number", "english", "said"),
    [
        (1, "1 event is pending", "1 Ereignis steht aus"),
        (12_300, "12,300 events are pending", "12.300 Ereignisse stehen aus"),
    ],
)
def test_the_text_is_english_and_the_reader_has_it_in_the_active_language(number, english, said):
    assert (pending(number), for_reader(pending(number))) == (english, said)
    assert f"{pending(number)}" == str(pending(number)) == "".join([pending(number)]) == english
    assert json.dumps(pending(number)) == f'"{english}"'


def test_wordings_within_others_are_translated_too():
    words = Words.gettext(
        "%(follower)s waits for a database and tries again: %(pending)s",
        follower="Tally",
        pending=pending(2),
    )

    assert words == "Tally waits for a database and tries again: 2 events are pending"
    assert for_reader(words) == (
        "Tally wartet auf eine Datenbank und versucht es erneut: 2 Ereignisse stehen aus"
    )


def test_other_texts_stay_as_they_are():
    assert for_reader("caught up") == "caught up"


def test_a_percent_sign_in_a_value_is_one():
    words = Words.gettext("%(words)s: %(why)s", words="Tally", why="100 % (%s)")

    assert (words, for_reader(words)) == ("Tally: 100 % (%s)", "Tally: 100 % (%s)")


@pytest.mark.parametrize("again", [copy.deepcopy, lambda words: pickle.loads(pickle.dumps(words))])
def test_a_copy_says_the_same(again):
    assert for_reader(again(pending(1_000))) == "1.000 Ereignisse stehen aus"


@pytest.mark.parametrize(
    ("number", "digits", "english", "said"),
    [
        (0, 0, "0", "0"),
        (999, 0, "999", "999"),
        (1_234_567, 0, "1,234,567", "1.234.567"),
        (2.55, 1, "2.5", "2,5"),
        (2.96, 1, "3.0", "3,0"),
        (2.5, 0, "2", "2"),
    ],
)
def test_figures_have_the_separators_of_the_language(number, digits, english, said):
    figure = Figure.of(number, digits=digits)

    assert (figure, for_reader(figure)) == (english, said)


def test_a_mark_follows_the_figure():
    assert for_reader(Figure.of(10_000, mark="+")) == "10.000+"


@pytest.mark.parametrize(
    ("wording", "said"),
    [
        (format_rate(1_310.4), "1.310/s"),
        (format_rate(2.5), "2,5/s"),
        (format_duration(12_000), "3 h 20 min"),
    ],
)
def test_rates_and_times(wording, said):
    assert for_reader(wording) == said
