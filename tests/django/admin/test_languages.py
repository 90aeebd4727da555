"""Languages: pages speak that of whoever reads them."""

import re
from functools import cache
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import translation

from django_eventsourcing.models import StoredEventRecord
from tests.catalogues import PACKAGE, entries
from tests.django.admin.pages import SYSTEMS, follower_page, order_url, text
from tests.django.admin.records import DOG, make_events
from tests.django.admin.test_permissions import PAGES, logged_in
from tests.django.status.rows import held, parked

MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"
PLACEHOLDER = re.compile(r"%\\\(\w+\\\)[sd]")
GERMAN = entries(PACKAGE / "locale" / "de" / "LC_MESSAGES" / "django.po")


@pytest.fixture(autouse=True)
def rows(kennel):
    kennel.register("Fido", "sit", "roll")
    StoredEventRecord.objects.update(originator_id=DOG)
    held("default", "Tally")
    parked("default", 1, "Tally", id=1)


@pytest.fixture
def german(settings):
    settings.LANGUAGE_CODE = "de"
    with translation.override("de"):
        yield


def english_on(page):
    """Return the phrases of two words or more that stand on the page as they do in the code."""
    return [
        phrase
        for phrase, words, pattern in patterns()
        if all(part in page for part in words) and pattern.search(page)
    ]


@cache
def patterns():
    """Return the phrases with what finds them: the words between placeholders, which is quick."""
    return [
        (
            phrase,
            re.split(r"%\(\w+\)[sd]", phrase),
            re.compile(rf"(?<!\w){PLACEHOLDER.sub('[^<>]*?', re.escape(phrase))}(?!\w)"),
        )
        for each in GERMAN.values()
        for phrase in (each.msgid, each.plural)
        if len(re.findall(r"[A-Za-z]{2,}", PLACEHOLDER.sub("", re.escape(phrase)))) > 1
        and phrase not in each.said
    ]


def source(response):
    """Return the page without what it says to be English, and without what is no text."""
    page = response.content.decode().replace("<wbr>", "")
    return unescape(re.sub(r'<pre [^>]*lang="en"[^>]*>[^<]*</pre>|<title>.*?</title>', "", page))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", ["superuser", "outsider"])
def test_there_is_no_english_on_a_german_page(page, who, german, request):
    response = logged_in(request.getfixturevalue(who)).get(page)

    assert response.status_code == 200
    assert english_on(source(response)) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_same_pages_are_found_to_be_english_where_they_are(page, superuser):
    assert english_on(source(logged_in(superuser).get(page)))


def test_the_section_and_its_lists_have_german_names(superuser, german):
    index = logged_in(superuser).get("/admin/").content.decode()

    for name in ("Gespeicherte Ereignisse", "Tracking-Positionen", "Dead Letters", "Systeme"):
        assert f">{name}</a>" in index


def test_verdicts_are_german_and_the_text_to_be_copied_is_what_the_command_prints(client, german):
    page = client.get(SYSTEMS).content.decode()

    assert "Tally ist um 3 im Rückstand und holt auf; 1 Benachrichtigung ist zurückgestellt" in page
    assert "Tally is 3 behind and catching up; 1 notification is set aside" in page
    assert page.count("Tally is 3 behind") == 1


def test_numbers_have_german_separators(client, german):
    make_events(1_234, number=lambda n: n + 10, originator_version=lambda n: n + 10)

    assert "um 1.237 im Rückstand" in text(client.get(follower_page("Tally")))


def test_each_request_has_the_language_that_it_asks_for(client, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:2], MIDDLEWARE, *settings.MIDDLEWARE[2:]]

    german = client.get(SYSTEMS, headers={"accept-language": "de-AT, en;q=0.5"})
    english = client.get(SYSTEMS, headers={"accept-language": "en"})

    assert ("holt auf" in text(german), "holt auf" in text(english)) == (True, False)


def test_refusals_and_what_is_done_are_told_in_german(operator, german):
    client = logged_in(operator)

    refused = client.post(order_url("Tally", "pause"), {"reason": ""}, follow=True)
    done = client.post(order_url("Tally", "pause"), {"reason": "Umbau"}, follow=True)

    assert "Um einen Follower zu pausieren, ist eine Begründung nötig." in refused.content.decode()
    assert "Tally ist pausiert: Umbau (viewer)" in done.content.decode()
    assert LogEntry.objects.get().get_change_message() == "Pausiert: Umbau"


def test_states_have_room_in_the_boxes_of_the_diagram(client):
    def longest(response):
        return max(len(node.label) for node in response.context["diagram"].nodes)

    english = longest(client.get(follower_page("Tally")))
    with translation.override("de"):
        assert longest(client.get(follower_page("Tally"))) <= english
