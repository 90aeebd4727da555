"""The diagram of states on the page of a follower: where it is now, in word and colour."""

import re

import pytest

from django_eventsourcing.admin.looks import FollowerLook
from django_eventsourcing.admin.states import StateDiagram, draw_states
from django_eventsourcing.status import FollowerStatus, Severity, Verdict
from tests.django.admin.pages import follower_page, text
from tests.django.status.rows import told

TALLY = follower_page("Tally")


def look(verdict):
    status = FollowerStatus(name="Tally", database="default", verdict=verdict)
    return FollowerLook(status=status, severity=Severity.WARNING, url="")


@pytest.mark.parametrize("verdict", [each for each in Verdict if each is not Verdict.UNKNOWN])
def test_the_present_state_is_marked(verdict):
    diagram = draw_states(look(verdict))

    assert [node.label for node in diagram.nodes if node.is_present] == [str(verdict)]
    assert len(diagram.nodes) == len(Verdict) - 1
    assert diagram.description.startswith(f"Tally is in the state “{verdict}”. The others are: ")


def test_one_that_is_unknown_is_nowhere():
    diagram = draw_states(look(Verdict.UNKNOWN))

    assert not [node for node in diagram.nodes if node.is_present]
    assert "Tally is in the state “unknown”." in diagram.description


def test_boxes_and_arrows_are_inside_and_apart():
    diagram: StateDiagram = draw_states(look(Verdict.LAGGING))

    boxes = {(node.x, node.y) for node in diagram.nodes}
    assert len(boxes) == len(diagram.nodes)
    for node in diagram.nodes:
        assert 0 < node.x < node.x + node.width < diagram.width
        assert 0 < node.y < node.y + node.height < diagram.height
    for arrow in diagram.arrows:
        x1, y1, x2, y2 = map(int, re.findall(r"\d+", arrow.path))
        for x, y in ((x1, y1), (x2, y2)):
            assert not any(
                node.x <= x <= node.x + node.width and node.y <= y <= node.y + node.height
                for node in diagram.nodes
            )


def test_the_page_has_it_with_a_text_for_those_who_do_not_see_it(client):
    told("default", "Tally", desired_state="paused")

    page = client.get(TALLY)

    html = page.content.decode()
    assert '<g class="es-node es-present es-' in html
    assert "Tally is in the state “paused”. The others are: not running, caught up," in text(page)
    assert 'aria-labelledby="es-states-title es-states-description"' in html
    assert "style=" not in html.partition('id="content-main"')[2].partition("footer")[0]
