"""The graph: each follower is to the right of what it follows, and no pipe is left out."""

from django_eventsourcing.admin.graph import draw
from django_eventsourcing.admin.looks import Look
from django_eventsourcing.conf import SystemConfig
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.application import Application
from eventsourcing.system import ProcessApplication, System


class Orders(Application):
    pass


class Stock(ProcessApplication):
    def policy(self, domain_event, processing_event):
        pass


class Payments(ProcessApplication):
    def policy(self, domain_event, processing_event):
        pass


class AVeryLongNameOfAnApplicationThatHasMoreLettersThanFit(ProcessApplication):
    def policy(self, domain_event, processing_event):
        pass


def graph_of(*pipes):
    config = SystemConfig(alias="default")
    system = ConfiguredSystem(config, System(pipes=list(pipes)))
    return draw(Look(system=system, followers=[], workers=[], problems=[]))


def places(graph):
    return {node.name: (node.x, node.y) for node in graph.nodes}


def test_follower_is_to_the_right_of_all_that_it_follows():
    found = places(graph_of([Orders, Payments], [Orders, Stock, Payments]))

    assert found["Orders"][0] < found["Stock"][0] < found["Payments"][0]


def test_followers_of_the_same_are_above_each_other():
    found = places(graph_of([Orders, Stock], [Orders, Payments]))

    assert found["Stock"][0] == found["Payments"][0]
    assert found["Stock"][1] != found["Payments"][1]


def test_pipes_that_lead_in_a_circle_are_drawn():
    graph = graph_of([Orders, Stock, Payments, Stock], [Payments, Payments])

    assert {edge.title for edge in graph.edges} == {
        "Stock follows Orders",
        "Payments follows Stock",
        "Stock follows Payments",
        "Payments follows Payments",
    }
    found = places(graph)
    assert found["Orders"][0] < found["Stock"][0] < found["Payments"][0]


def test_no_box_lies_outside_or_upon_another():
    graph = graph_of([Orders, Stock], [Orders, Payments, Stock])

    for node in graph.nodes:
        assert node.x + node.width < graph.width
        assert node.y + node.height < graph.height
    assert len(set(places(graph).values())) == len(graph.nodes)


def test_name_that_is_too_long_is_cut_and_said_in_the_title():
    cls = AVeryLongNameOfAnApplicationThatHasMoreLettersThanFit

    node = graph_of([Orders, cls]).nodes[-1]

    assert node.short_name == "AVeryLongNameOfAnApplicationT…"
    assert node.title == cls.__name__


def test_graph_of_two_columns_is_shown_as_a_whole_on_a_phone_and_a_wider_one_is_scrolled():
    assert graph_of([Orders, Stock]).fits_phone
    assert not graph_of([Orders, Stock, Payments]).fits_phone
