"""States: how followers may be doing, and how they come from one to the other, to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from django_eventsourcing.admin.looks import FollowerLook, verdict_label
from django_eventsourcing.status import Verdict

__all__ = ["StateDiagram", "StateNode", "draw_states"]

WIDTH = 94
"""Of a box; all lengths are in pixels of CSS."""
HEIGHT = 40
BESIDE = 22
"""The space between two boxes of a row."""
BELOW = 34
"""The space between two rows."""
MARGIN = 6
CENTRE = (1, 1)

_PLACES = {
    Verdict.NOT_RUNNING: (0, 0),
    Verdict.CAUGHT_UP: (1, 0),
    Verdict.PARKED: (2, 0),
    Verdict.PAUSED: (0, 1),
    Verdict.LAGGING: CENTRE,
    Verdict.RETRYING: (2, 1),
    Verdict.HELD_UP: (0, 2),
    Verdict.STUCK: (1, 2),
    Verdict.FAILED: (2, 2),
}
"""Column and row of each; all others are around the one in which events are processed."""


@dataclass(frozen=True, kw_only=True)
class StateNode:
    """A state, drawn as a box."""

    label: str
    x: int
    y: int
    severity: str = ""
    """That of the follower, if it is in this state now."""

    @property
    def is_present(self) -> bool:
        """Whether the follower is in this state now."""
        return bool(self.severity)

    @property
    def width(self) -> int:
        """The same for all."""
        return WIDTH

    @property
    def height(self) -> int:
        """The same for all."""
        return HEIGHT

    @property
    def centre(self) -> int:
        """Where its lines are centred."""
        return self.x + WIDTH // 2

    @property
    def label_y(self) -> int:
        """The base line of its name, which stands in the middle where there is no second line."""
        return self.y + (17 if self.is_present else 24)

    @property
    def now_y(self) -> int:
        """The base line of the word that marks the present one."""
        return self.y + 32


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """A way from one state to another, and back where it leads both ways."""

    path: str
    is_both_ways: bool = True


@dataclass(frozen=True, kw_only=True)
class StateDiagram:
    """The states of a follower, with the present one marked."""

    nodes: Sequence[StateNode]
    arrows: Sequence[Arrow]
    description: str
    """The same in words."""
    width: int = 2 * MARGIN + 3 * WIDTH + 2 * BESIDE
    height: int = 2 * MARGIN + 3 * HEIGHT + 2 * BELOW


def draw_states(follower: FollowerLook) -> StateDiagram:
    """Return the states in which a follower can be, and where this one is."""
    now = follower.status.verdict
    nodes = [
        StateNode(
            label=verdict_label(verdict),
            x=MARGIN + column * (WIDTH + BESIDE),
            y=MARGIN + row * (HEIGHT + BELOW),
            severity=str(follower.severity) if verdict is now else "",
        )
        for verdict, (column, row) in _PLACES.items()
    ]
    others = [node.label for node in nodes if not node.is_present]
    words = _("%(follower)s is in the state “%(state)s”. The others are: %(others)s.")
    values = {"follower": follower.name, "state": follower.label, "others": ", ".join(others)}
    return StateDiagram(nodes=nodes, arrows=list(_arrows()), description=words % values)


def _arrows() -> Sequence[Arrow]:
    failed, retrying = _PLACES[Verdict.FAILED], _PLACES[Verdict.RETRYING]
    ways = [place for place in _PLACES.values() if place not in (CENTRE, failed)]
    return [
        *(Arrow(path=_path(CENTRE, place)) for place in ways),
        # What fails for good has been tried again before; told to, it begins anew.
        Arrow(path=_path(retrying, failed), is_both_ways=False),
        Arrow(path=_path(failed, CENTRE), is_both_ways=False),
    ]


def _path(start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return the line between two boxes that are beside each other, from edge to edge."""
    right, down = end[0] - start[0], end[1] - start[1]
    (x1, y1), (x2, y2) = _edge(start, right, down), _edge(end, -right, -down)
    return f"M{x1} {y1}L{x2} {y2}"


def _edge(place: tuple[int, int], right: int, down: int) -> tuple[int, int]:
    """Return the point of the box that is nearest to the one in this direction, a little off."""
    column, row = place
    middle = MARGIN + column * (WIDTH + BESIDE) + WIDTH // 2
    height = MARGIN + row * (HEIGHT + BELOW) + HEIGHT // 2
    return middle + right * (WIDTH // 2 + 2), height + down * (HEIGHT // 2 + 2)
