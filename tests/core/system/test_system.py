"""Systems: the graph of who follows whom, and what cannot be one."""

import pytest

from eventsourcing.application import Application, ProgrammingError
from eventsourcing.system import Follower, Leader, ProcessApplication, System
from eventsourcing.topics import resolve_topic
from tests.core.school import Counters, DogSchool, Tally


class Alone(Application):
    pass


class Sink(Follower):
    pass


def test_knows_its_nodes_by_name():
    system = System(pipes=[[DogSchool, Counters], [Alone]])

    assert system.nodes == {
        "DogSchool": "tests.core.school:DogSchool",
        "Counters": "tests.core.school:Counters",
        "Alone": f"{__name__}:Alone",
    }


def test_knows_each_edge_once_in_order():
    system = System(pipes=[[DogSchool, Counters, Tally], [DogSchool, Counters], [DogSchool, Sink]])

    assert system.edges == [
        ("DogSchool", "Counters"),
        ("Counters", "Tally"),
        ("DogSchool", "Sink"),
    ]
    assert system.leads == {"DogSchool": ["Counters", "Sink"], "Counters": ["Tally"]}
    assert system.follows == {
        "Counters": ["DogSchool"],
        "Tally": ["Counters"],
        "Sink": ["DogSchool"],
    }


def test_to_ask_who_leads_whom_changes_nothing():
    system = System(pipes=[[DogSchool, Counters], [Alone]])

    assert system.leads["Counters"] == system.follows["DogSchool"] == system.leads["Alone"] == []

    assert (system.leaders, system.followers) == (["DogSchool"], ["Counters"])
    assert (system.processors, system.singles) == ([], ["Alone"])


def test_knows_the_parts_that_applications_play():
    system = System(pipes=[[DogSchool, Counters, Sink], [Alone]])

    assert system.leaders == ["DogSchool", "Counters"]
    assert system.leaders_only == ["DogSchool"]
    assert system.followers == ["Counters", "Sink"]
    assert system.processors == ["Counters"]
    assert system.singles == ["Alone"]


def test_allows_an_application_to_follow_itself():
    system = System(pipes=[[Counters, Counters]])

    assert system.edges == [("Counters", "Counters")]
    assert system.processors == ["Counters"]


def test_asking_about_an_unknown_application_changes_nothing():
    system = System(pipes=[[DogSchool, Counters]])

    assert "Nobody" not in system.leads
    with pytest.raises(KeyError):
        system.get_app_cls("Nobody")


def test_makes_leaders_of_applications():
    system = System(pipes=[[DogSchool, Counters]])

    leader_cls = system.leader_cls("DogSchool")

    assert issubclass(leader_cls, Leader)
    assert issubclass(leader_cls, DogSchool)
    assert leader_cls.name == "DogSchool"
    assert system.leader_cls("Counters") is Counters


def test_a_leader_looks_like_the_class_that_it_is_made_of():
    leader_cls = System(pipes=[[DogSchool, Counters]]).leader_cls("DogSchool")

    assert leader_cls.__module__ == DogSchool.__module__
    assert leader_cls.__qualname__ == DogSchool.__qualname__
    assert leader_cls.__doc__ == DogSchool.__doc__


def test_runs_what_nobody_follows_as_it_is():
    system = System(pipes=[[DogSchool, Counters], [Alone]])

    assert system.runnable_cls("Alone") is Alone
    assert issubclass(system.runnable_cls("DogSchool"), Leader)


def test_keeps_a_name_of_the_applications_choice():
    class Kennel(Application):
        name = "kennel-of-lassie"

    system = System(pipes=[[Kennel, Sink]])

    assert system.leader_cls("kennel-of-lassie").name == "kennel-of-lassie"


def test_refuses_a_follower_that_cannot_follow():
    with pytest.raises(TypeError) as caught:
        System(pipes=[[DogSchool, Alone]])

    assert str(caught.value) == (
        f"Not a follower class: {Alone!r}. What follows another application in a pipe derives from "
        "Follower or ProcessApplication."
    )


def test_refuses_a_follower_that_cannot_be_followed():
    with pytest.raises(TypeError) as caught:
        System(pipes=[[DogSchool, Sink, Counters]])

    assert str(caught.value) == (
        f"Not a process application class: {Sink!r}. What stands in the middle of pipes records "
        "events that others follow: it derives from ProcessApplication."
    )


@pytest.mark.parametrize("pipe", [DogSchool, "DogSchool", None])
def test_refuses_a_pipe_that_is_no_list(pipe):
    with pytest.raises(TypeError) as caught:
        System(pipes=[pipe])

    assert str(caught.value) == (
        f"A pipe is {pipe!r}. Give a list of application classes for each pipe: "
        "System(pipes=[[DogSchool, Counters]])."
    )


@pytest.mark.parametrize("something", ["school.applications.DogSchool", None, object])
def test_refuses_what_is_not_the_class_of_an_application(something):
    with pytest.raises(TypeError) as caught:
        System(pipes=[[something, Counters]])

    assert str(caught.value) == (
        f"A pipe has {something!r}, which is not the class of an application."
    )


def test_refuses_two_applications_of_one_name():
    other = type("Counters", (ProcessApplication,), {"__module__": __name__})

    with pytest.raises(TypeError, match="Two applications have the name 'Counters'"):
        System(pipes=[[DogSchool, Counters], [DogSchool, other]])


named_system = System(pipes=[[DogSchool, Counters]])


def test_has_a_topic_where_a_module_has_it():
    assert resolve_topic(named_system.topic) is named_system


def test_has_no_topic_where_no_module_has_it():
    with pytest.raises(ProgrammingError) as caught:
        System(pipes=[[DogSchool, Counters]]).topic  # noqa: B018

    assert str(caught.value) == (
        "This system has no topic: it is not an attribute of a module. Assign it to a name in a "
        "module, as in 'system = System(pipes=…)'."
    )
