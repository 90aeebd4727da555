"""Catalogues: every word of the pages is translated, and nothing else is said than in English."""

import re
from pathlib import Path

import django
import pytest

from tests.catalogues import PACKAGE, compiled, entries, extracted

DE = PACKAGE / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|</?\w+>")
REMEDY = "Run make messages, and translate what it has left."


@pytest.fixture(scope="module")
def german():
    found = entries(DE)
    del found[""]
    return found


def test_the_catalogue_has_every_phrase_of_the_code_and_no_other(german, tmp_path):
    code = extracted(tmp_path)
    del code[""]

    assert {each.msgid: each.plural for each in german.values()} == {
        each.msgid: each.plural for each in code.values()
    }, REMEDY


def test_every_phrase_is_translated(german):
    left = [each.msgid for each in german.values() if each.is_fuzzy or not all(each.said)]

    assert not left, REMEDY


def test_phrases_in_the_plural_are_translated_in_both_forms(german):
    assert {bool(each.plural): len(each.said) for each in german.values()} == {False: 1, True: 2}


def test_placeholders_and_markup_are_kept(german):
    for each in german.values():
        for text, said in zip([each.msgid, each.plural or each.msgid], each.said * 2, strict=False):
            assert sorted(PLACEHOLDER.findall(said)) == sorted(PLACEHOLDER.findall(text)), text


def test_ends_of_phrases_are_kept(german):
    def ends(text):
        return text.startswith((" ", "\n")), text.endswith((" ", "\n")), text[-1] in ".:?"

    for each in german.values():
        assert [ends(said) for said in each.said] == [ends(each.msgid)] * len(each.said), each.msgid


def test_the_compiled_catalogue_is_of_this_one():
    found = entries(DE)

    assert compiled(DE.with_suffix(".mo")) == {key: each.said for key, each in found.items()}, (
        REMEDY
    )


@pytest.mark.skipif(django.VERSION >= (6,), reason="Words are those of Django 5.2.")
def test_what_django_says_too_is_said_as_django_says_it(german):
    """The catalogues of all apps are one: the last to say something says it on every page."""
    for app in ("conf", "contrib/admin", "contrib/auth", "contrib/contenttypes"):
        path = Path(django.__file__).parent / app / "locale" / "de" / "LC_MESSAGES" / "django.mo"
        theirs = compiled(path)
        shared = german.keys() & theirs.keys()

        assert {key: german[key].said for key in shared} == {key: theirs[key] for key in shared}


def test_the_head_is_the_same_whoever_writes_it():
    [head] = entries(DE)[""].said

    assert head.splitlines() == [
        "Project-Id-Version: django-eventsourcing",
        "Report-Msgid-Bugs-To: ",
        "Language: de",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
        "Plural-Forms: nplurals=2; plural=(n != 1);",
    ]


def test_places_are_named_from_the_package(german):
    places = re.findall(r"^#: (.*)$", DE.read_text("utf-8"), re.MULTILINE)

    assert places
    assert all((PACKAGE / place).is_file() for line in places for place in line.split())
