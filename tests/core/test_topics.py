"""Topics: a class is stored under a text, and found again by it."""

import collections
import importlib
import json
import json.decoder
import sys
import types

import pytest

from eventsourcing.topics import (
    TopicError,
    clear_topic_cache,
    construct_topic,
    get_topic,
    register_topic,
    resolve_topic,
)


class Kennel:
    """A class with a class in it."""

    class Dog:
        """A nested class."""


@pytest.fixture(autouse=True)
def _own_topics(monkeypatch):
    """Let a test register what it likes."""
    monkeypatch.setattr("eventsourcing.topics._registered", {})
    monkeypatch.setattr("eventsourcing.topics._found", {})


def test_topic_is_module_and_qualified_name():
    assert get_topic(Kennel.Dog) == construct_topic(Kennel.Dog) == f"{__name__}:Kennel.Dog"


def test_topic_can_be_stated_by_the_class():
    class Cat:
        TOPIC = "cats:Cat"

    assert get_topic(Cat) == "cats:Cat"
    assert resolve_topic("cats:Cat") is Cat


def test_stated_topic_is_not_inherited():
    class Cat:
        TOPIC = "cats:Cat"

    class Kitten(Cat):
        pass

    assert get_topic(Kitten) == f"{__name__}:{Kitten.__qualname__}"


@pytest.mark.parametrize(
    ("topic", "found"),
    [
        ("collections:OrderedDict", collections.OrderedDict),
        ("json.decoder:JSONDecoder.decode", json.JSONDecoder.decode),
        ("json.decoder", json.decoder),
        (f"{__name__}:Kennel.Dog", Kennel.Dog),
    ],
)
def test_topic_is_resolved_by_importing(topic, found):
    assert resolve_topic(topic) is found
    assert resolve_topic(topic) is found


def test_class_of_a_function_is_found_after_its_topic_was_taken():
    class Cat:
        pass

    with pytest.raises(TopicError):
        resolve_topic(construct_topic(Cat))

    assert resolve_topic(get_topic(Cat)) is Cat


def test_last_definition_of_a_name_is_found():
    def define() -> type:
        class Cat:
            pass

        return Cat

    first, second = define(), define()
    get_topic(first)

    assert resolve_topic(get_topic(second)) is second
    assert resolve_topic(get_topic(first)) is first


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("no_such_module:Cat", "No module named 'no_such_module'"),
        ("json:NoSuchClass", "module 'json' has no attribute 'NoSuchClass'"),
        ("json:JSONDecoder.no", "type object 'JSONDecoder' has no attribute 'no'"),
        ("", "Empty module name"),
        (":Cat", "Empty module name"),
    ],
)
def test_topic_that_leads_nowhere_is_an_error(topic, reason):
    with pytest.raises(TopicError) as caught:
        resolve_topic(topic)

    assert str(caught.value) == f"Topic '{topic}' cannot be resolved: {reason}."


def test_renamed_class_is_found_by_its_old_topic():
    register_topic("old:Dog", Kennel.Dog)

    assert resolve_topic("old:Dog") is Kennel.Dog
    assert get_topic(Kennel.Dog) == f"{__name__}:Kennel.Dog"


def test_what_a_renamed_class_contains_is_found():
    register_topic("old:Shelter", Kennel)

    assert resolve_topic("old:Shelter.Dog") is Kennel.Dog


def test_what_a_renamed_module_contains_is_found():
    register_topic("old", sys.modules[__name__])

    assert resolve_topic("old:Kennel.Dog") is Kennel.Dog
    assert resolve_topic("old") is sys.modules[__name__]


def test_what_a_renamed_package_contains_is_found():
    register_topic("old", json)

    assert resolve_topic("old.decoder:JSONDecoder") is json.JSONDecoder
    assert resolve_topic("old.decoder") is json.decoder


def test_module_that_was_made_by_hand_is_found():
    module = types.ModuleType("made_by_hand")
    module.answer = 42
    sys.modules["made_by_hand"] = module

    try:
        assert resolve_topic("made_by_hand:answer") == 42
    finally:
        del sys.modules["made_by_hand"]


def test_topic_has_one_owner():
    register_topic("old:Dog", Kennel.Dog)

    with pytest.raises(TopicError) as caught:
        register_topic("old:Dog", Kennel)

    assert str(caught.value) == (
        f"Topic 'old:Dog' is registered for {Kennel.Dog!r}, so it cannot stand for {Kennel!r} "
        "too. Give one of them another name, or another TOPIC."
    )


def test_registered_topic_is_not_taken_by_a_class_of_that_name():
    register_topic(f"{__name__}:Kennel", dict)

    with pytest.raises(TopicError, match="so it cannot stand for .*Kennel"):
        get_topic(Kennel)


def test_module_that_is_loaded_again_registers_again(tmp_path, monkeypatch):
    (tmp_path / "loaded_again.py").write_text(
        "from eventsourcing.topics import register_topic\n"
        "class Cat: pass\n"
        "register_topic('old:Cat', Cat)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("loaded_again")
    first = module.Cat

    importlib.reload(module)

    assert resolve_topic("old:Cat") is module.Cat is not first


def test_registering_comes_before_what_was_found():
    resolve_topic("json:JSONDecoder")

    register_topic("json:JSONDecoder", Kennel)

    assert resolve_topic("json:JSONDecoder") is Kennel


def test_cache_can_be_cleared():
    register_topic("old:Dog", Kennel.Dog)

    clear_topic_cache()

    with pytest.raises(TopicError):
        resolve_topic("old:Dog")
