"""Late names: a package has them, and imports them when it is asked for them."""

import sys
from types import ModuleType

import pytest

from eventsourcing.late_names import late_names
from eventsourcing.topics import TopicError, find_topic, resolve_topic
from tests.core.school import Dog


@pytest.fixture
def package(monkeypatch):
    """Return a package that offers Dog from the module of the school, which Puppy was once called."""
    made = ModuleType("kennel")
    made.__getattr__, made.__dir__ = late_names(
        "kennel", {"tests.core.school": ["Dog"]}, earlier={"Puppy": Dog}
    )
    monkeypatch.setitem(sys.modules, "kennel", made)
    monkeypatch.setattr("eventsourcing.topics._found", {})
    return made


def test_a_late_name_is_there(package):
    assert package.Dog is Dog


def test_a_late_name_can_be_imported(package):
    names: dict[str, object] = {}

    exec("from kennel import Dog", names)

    assert names["Dog"] is Dog


def test_a_late_name_is_asked_for_once(package):
    assert "Dog" not in vars(package)

    assert package.Dog is vars(package)["Dog"]


def test_late_names_are_shown_and_earlier_ones_are_not(package):
    assert "Dog" in dir(package)
    assert "__name__" in dir(package)
    assert "Puppy" not in dir(package)
    assert "Dog" not in vars(package)


def test_an_earlier_name_warns_at_its_use(package):
    with pytest.warns(DeprecationWarning, match="kennel.Puppy is deprecated. Use Dog.") as warned:
        assert package.Puppy is Dog

    assert warned[0].filename == __file__


def test_another_name_is_not_there(package):
    with pytest.raises(AttributeError, match="module 'kennel' has no attribute 'Cat'"):
        package.Cat  # noqa: B018


def test_a_topic_of_the_projects_own_finds_a_late_name(package):
    assert resolve_topic("kennel:Dog") is Dog


def test_a_stored_topic_imports_no_late_name(package):
    with pytest.raises(TopicError, match="module 'kennel' has no attribute 'Dog'"):
        find_topic("kennel:Dog")

    assert "Dog" not in vars(package)
