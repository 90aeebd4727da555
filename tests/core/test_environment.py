"""The environment: values under an application's name come first."""

import pytest

from eventsourcing import utils
from eventsourcing.environment import Environment, strtobool


def test_value_is_found_by_key():
    assert Environment("DogSchool", {"KEY": "value"}).get("KEY") == "value"


def test_value_under_the_name_comes_first():
    env = Environment("DogSchool", {"KEY": "general", "DOGSCHOOL_KEY": "particular"})

    assert env.get("KEY") == "particular"


def test_default_is_returned_if_there_is_no_value():
    env = Environment("DogSchool")

    assert env.get("KEY") is None
    assert env.get("KEY", "default") == "default"


def test_empty_value_is_a_value():
    assert Environment("", {"KEY": ""}).get("KEY", "default") == ""


@pytest.mark.parametrize(("name", "keys"), [("DogSchool", ["DOGSCHOOL_KEY", "KEY"]), ("", ["KEY"])])
def test_keys_are_the_most_particular_first(name, keys):
    assert Environment(name).create_keys("KEY") == keys


def test_environment_is_a_copy():
    given = {"KEY": "value"}
    env = Environment("DogSchool", given)
    env["KEY"] = "changed"

    assert given == {"KEY": "value"}
    assert env.name == "DogSchool"
    assert dict(env) == {"KEY": "changed"}


def test_it_is_represented_without_its_values():
    env = Environment("DogSchool", {"CIPHER_KEY": "secret", "APP": "value"})

    assert repr(env) == "<Environment 'DogSchool': APP, CIPHER_KEY>"
    assert f"{Environment()}" == "<Environment '': empty>"


@pytest.mark.parametrize("text", ["y", "yes", "t", "true", "on", "1", "TRUE", " Yes "])
def test_texts_that_mean_true(text):
    assert strtobool(text) is True


@pytest.mark.parametrize("text", ["n", "no", "f", "false", "off", "0", "OFF"])
def test_texts_that_mean_false(text):
    assert strtobool(text) is False


@pytest.mark.parametrize("text", ["", "2", "perhaps"])
def test_texts_that_mean_neither(text):
    with pytest.raises(ValueError, match=f"'{text}' means neither true nor false. Write 'true'"):
        strtobool(text)


@pytest.mark.parametrize("value", [None, True, 1, b"yes"])
def test_other_values_have_no_meaning(value):
    with pytest.raises(TypeError, match=r"is not a text, so it cannot be read as true or false"):
        strtobool(value)


def test_names_are_known_by_their_other_path():
    assert utils.Environment is Environment
    assert utils.strtobool is strtobool
