"""Words that would be markup, scripts or templates are text on every screen."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction

import django_eventsourcing
from django_eventsourcing.registry import reset
from tests.django.admin.screens import HOSTILE, make_screens, setting
from tests.django.admin.visitors import logged_in

CORPUS = {
    "script": "<script>alert(1)</script>",
    "attribute": "\"><img src=x onerror=alert(1)>' onmouseover='alert(1)",
    "link": "javascript:alert(1)//",
    "title": "</title></textarea></style></script><svg onload=alert(1)>",
    "template": "{{7919*7907}}{% load static %}{% csrf_token %}${7919*7907}%(name)s%s",
    "bidi": "a\u202eb\u2066c\u200bd\ufeff",
    "lines": "one\u2028two\u2029three\x85four\x1b[31m\x07",
    "long": "x" * 100_000,
    "hostile": HOSTILE,
}
IN_EVERY_RUN = {"attribute", "hostile"}
URLS = {"href", "src", "action", "formaction", "data", "poster", "background", "srcset", "ping"}
SAFE = re.compile(r"/(?!/)|[?#]|$")
COMMANDS = re.compile("[\u2028\u2029\x85\x1b\x07\u202e\u2066]")


class Elements(HTMLParser):
    """Collects the kinds of elements and attributes of a page, and what must not be among them."""

    def __init__(self):
        super().__init__()
        self.kinds = set()
        self.unsafe = []

    def handle_starttag(self, tag, attrs):
        self.kinds |= {(tag, "")} | {(tag, name) for name, _value in attrs}
        for name, value in attrs:
            leads_away = name in URLS and not SAFE.match(value or "")
            if name.startswith("on") or name == "style" or leads_away:
                self.unsafe.append((tag, name, value))
        if tag == "script" and "src" not in dict(attrs):
            self.unsafe.append((tag, "", None))


def elements(response):
    found = Elements()
    found.feed(response.content.decode())
    found.close()
    return found


def shown(client, screens):
    """Yield the name and answer of each screen, those of forms last."""
    for name, page in screens.pages.items():
        yield name, client.get(page)
    for name, (page, data) in screens.forms.items():
        yield name, client.post(page, data, follow=True)


@pytest.fixture
def managing(manager):
    manager.user_permissions.add(*Permission.objects.filter(codename="view_letterevent"))
    return logged_in(manager)


@pytest.fixture
def ours(managing, settings):
    """Return the kinds of elements and attributes on all screens where the words are harmless."""
    settings.EVENTSOURCING = setting()
    kinds = set()
    with transaction.atomic():
        for _screen, response in shown(managing, make_screens("word.word word")):
            kinds |= elements(response).kinds
        transaction.set_rollback(True)
    reset()
    return kinds


@pytest.mark.parametrize(
    "name",
    [
        name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.stress)
        for name in CORPUS
    ],
)
def test_words_are_text(managing, settings, ours, name):
    settings.EVENTSOURCING = setting(is_hostile=True)
    settings.EVENTSOURCING_ENVIRONMENT = CORPUS[name][:300]
    for screen, response in shown(managing, make_screens(CORPUS[name], is_hostile=True)):
        assert response.status_code in (200, 400), screen
        found = elements(response)
        body = response.content.decode()

        assert found.kinds <= ours, screen
        assert found.unsafe == [], screen
        # What a template would make of the product, and no page has by chance.
        assert "62615533" not in body, screen
        assert not COMMANDS.search(body), screen


def test_nothing_in_the_package_puts_text_in_as_markup():
    folder = Path(django_eventsourcing.__file__).parent
    ways = re.compile(r"mark_safe|SafeString|format_html|\|\s*safe\b|safeseq|autoescape|__html__")
    style = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:")
    for path in folder.rglob("*"):
        if path.suffix in (".py", ".html"):
            assert not ways.search(path.read_text()), path
        if path.suffix == ".html":
            assert not style.search(path.read_text()), path
