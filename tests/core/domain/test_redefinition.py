"""Redefinition: in a console, in a notebook, and by loading a module again."""

import code
import importlib
import sys

import pytest

from eventsourcing.application import Application

FIRST = """
from eventsourcing.domain import Aggregate, event

class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name: str) -> None:
        self.name = name
        self.tricks = []

    @event("TrickAdded")
    def add_trick(self, trick: str) -> None:
        self.tricks.append(trick)
"""
SECOND = FIRST.replace("append(trick)", "append(trick.upper())")
THIRD = SECOND.replace(
    "class Dog(Aggregate):\n",
    """class Dog(Aggregate):
    class_version = 2

    @staticmethod
    def upcast_v1_v2(state):
        state["tricks"] = [trick.upper() for trick in state["tricks"]]

""",
)


class School(Application):
    is_snapshotting_enabled = True


@pytest.fixture
def school():
    return School()


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return a function that writes a module, and imports it or loads it again."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def load(source: str):
        (tmp_path / "loaded_kennel.py").write_text(source)
        importlib.invalidate_caches()
        if "loaded_kennel" in sys.modules:
            return importlib.reload(sys.modules["loaded_kennel"])
        return importlib.import_module("loaded_kennel")

    yield load
    sys.modules.pop("loaded_kennel", None)


def saved(school, dog_class):
    dog = dog_class("Fido")
    dog.add_trick("sit")
    school.save(dog)
    return dog


def test_stored_events_are_read_as_the_class_that_is_loaded_now(school, load):
    old = saved(school, load(FIRST).Dog)
    module = load(SECOND)

    dog = school.repository.get(old.id)

    assert type(dog) is module.Dog is not type(old)
    assert dog.tricks == ["SIT"]
    assert {type(e) for e in school.events.get(dog.id)} == {
        module.Dog.Registered,
        module.Dog.TrickAdded,
    }


def test_what_was_got_before_goes_on_after_the_module_is_loaded_again(school, load):
    old = saved(school, load(FIRST).Dog)
    module = load(SECOND)

    old.add_trick("stay")
    school.save(old)
    dog = school.repository.get(old.id)
    dog.add_trick("beg")
    school.save(dog)

    assert school.repository.get(old.id).version == 4
    assert type(module.Dog("Rex")) is module.Dog


def test_snapshots_are_upcast_to_the_class_that_is_loaded_now(school, load):
    old = saved(school, load(FIRST).Dog)
    school.take_snapshot(old.id)
    module = load(THIRD)

    dog = school.repository.get(old.id)

    assert type(dog) is module.Dog
    assert dog.tricks == ["SIT"]


def test_loading_an_unchanged_module_many_times(school, load):
    ids = [saved(school, load(FIRST).Dog).id for _ in range(4)]

    assert {type(school.repository.get(each)) for each in ids} == {load_now("loaded_kennel")}


def load_now(name):
    return sys.modules[name].Dog


def test_explicit_topics_survive_loading_again(school, load):
    source = FIRST.replace("(Aggregate):\n", "(Aggregate):\n    TOPIC = 'kennel:dog'\n")
    source = source.replace('("Registered")', '("Registered", topic="kennel:registered")')
    source = source.replace('("TrickAdded")', '("TrickAdded", topic="kennel:trick-added")')
    old = saved(school, load(source).Dog)
    module = load(source.replace("append(trick)", "append(trick.upper())"))

    dog = school.repository.get(old.id)

    assert type(dog) is module.Dog
    assert dog.tricks == ["SIT"]


def test_a_class_can_be_defined_again_in_a_console(school, capsys):
    names = {"__name__": "__console__", "school": school}
    console = code.InteractiveInterpreter(names)
    again = (
        FIRST,
        "fido = Dog('Fido'); fido.add_trick('sit'); _saved = school.save(fido)",
        SECOND,
        "again = school.repository.get(fido.id)",
        "again.add_trick('stay'); _saved = school.save(again)",
    )

    for each in again:
        console.runsource(each, symbol="exec")

    assert capsys.readouterr().err == ""
    assert type(names["again"]) is names["Dog"]
    assert names["again"].tricks == ["SIT", "STAY"]


def test_a_class_of_a_function_is_its_last_definition(school):
    def define(suffix: str):
        names = {"__name__": __name__}
        exec(FIRST.replace("append(trick)", f"append(trick + {suffix!r})"), names)
        return names["Dog"]

    dog = saved(school, define("!"))
    last = define("?")

    assert type(school.repository.get(dog.id)) is last
    assert school.repository.get(dog.id).tricks == ["sit?"]
