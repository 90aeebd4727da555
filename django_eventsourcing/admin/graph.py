"""Graphs: the applications of a system and the pipes between them, laid out to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from django_eventsourcing.admin.looks import FollowerLook, Look, behind_of, pace_of
from django_eventsourcing.status import Severity

__all__ = ["Edge", "Graph", "Node", "draw"]

HEIGHT = 72
"""Of a node; all lengths are in pixels of CSS."""
ABOVE = 26
"""The space between two nodes of a column."""
BESIDE = 76
"""The space between two columns."""
MARGIN = 10
FITTING = 510
"""How wide a graph is at most that is made smaller for a phone, rather than scrolled."""
ARROW = 7
LOOP = 24
"""How far a pipe hangs below the node that follows itself."""
LINE = 18
"""From one line of a node to the next."""
LETTER = 9
"""The width of a letter, of which most are narrower."""
NAME_LENGTH = 30
"""Letters of a name that are shown; its title has them all."""
RANKS = [Severity.OK, Severity.WARNING, Severity.CRITICAL]


@dataclass(frozen=True, kw_only=True)
class Node:
    """An application, drawn as a box with its name and how it is doing."""

    name: str
    short_name: str
    words: str
    """How it is doing; empty for one that only leads."""
    pace: str
    """How old what is pending is, and how fast it goes; empty if neither is known."""
    state: str
    """The severity, by which a style sheet chooses the colour."""
    url: str
    x: int
    y: int
    width: int

    @property
    def title(self) -> str:
        """All that the box says."""
        words = ", ".join(filter(None, [self.words, self.pace]))
        return f"{self.name}: {words}" if words else self.name

    @property
    def height(self) -> int:
        """The same for all."""
        return HEIGHT

    @property
    def centre(self) -> int:
        """Where its lines are centred."""
        return self.x + self.width // 2

    @property
    def name_y(self) -> int:
        """The base line of its name: the lines stand in the middle together."""
        return self.y + HEIGHT // 2 + 5 - LINE * (bool(self.words) + bool(self.pace)) // 2

    @property
    def words_y(self) -> int:
        """The base line of its words."""
        return self.name_y + LINE

    @property
    def pace_y(self) -> int:
        """The base line of its pace."""
        return self.words_y + LINE


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A pipe, drawn as an arrow from the upstream application to its follower."""

    path: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A drawing, and the same in a sentence for each pipe."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    width: int
    height: int

    @property
    def fits_phone(self) -> bool:
        """Whether it is readable when it is drawn as narrow as a phone."""
        return self.width <= FITTING

    @property
    def description(self) -> str:
        """What the drawing shows, for those who do not see it."""
        sentences = [node.title for node in self.nodes] + [edge.title for edge in self.edges]
        return " ".join(f"{sentence}." for sentence in sentences)


def draw(look: Look) -> Graph:
    """Return the graph of the system, each follower to the right of what it follows."""
    edges = look.system.system.edges
    columns = _columns(look.system.names, edges)
    width = _width(look)
    rows = max(map(len, columns), default=0)
    nodes: dict[str, Node] = {}
    for number, names in enumerate(columns):
        x = MARGIN + number * (width + BESIDE)
        top = MARGIN + (rows - len(names)) * (HEIGHT + ABOVE) // 2
        for row, name in enumerate(names):
            nodes[name] = _node(look, name, x=x, y=top + row * (HEIGHT + ABOVE), width=width)
    hanging = LOOP if any(upstream == follower for upstream, follower in edges) else 0
    return Graph(
        nodes=list(nodes.values()),
        edges=[_edge(nodes[upstream], nodes[follower]) for upstream, follower in edges],
        width=2 * MARGIN + len(columns) * width + max(0, len(columns) - 1) * BESIDE,
        height=2 * MARGIN + rows * HEIGHT + max(0, rows - 1) * ABOVE + hanging,
    )


def _columns(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return the names by the length of the longest way to them from one that follows none."""
    depths = dict.fromkeys(names, 0)
    for upstream, follower in _in_order(names, edges):
        depths[follower] = max(depths[follower], depths[upstream] + 1)
    columns: list[list[str]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    for name in names:
        columns[depths[name]].append(name)
    return columns


def _in_order(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pipes but for those that lead back, each after all that lead to its upstream."""
    followers = {name: [b for a, b in edges if a == name] for name in names}
    has_upstream = {b for a, b in edges if a != b}
    forward: list[tuple[str, str]] = []
    done: set[str] = set()

    def visit(name: str, way: frozenset[str]) -> None:
        way |= {name}
        ahead = [each for each in followers[name] if each not in way]
        for each in ahead:
            if each not in done:
                visit(each, way)
        done.add(name)
        # Written from the last to the first.
        forward.extend((name, each) for each in ahead)

    for name in sorted(names, key=lambda each: each in has_upstream):
        if name not in done:
            visit(name, frozenset())
    return forward[::-1]


def _width(look: Look) -> int:
    texts = [Truncator(name).chars(NAME_LENGTH) for name in look.system.names]
    texts += [_words(look.runs_of(name)) for name in look.system.names]
    texts += [pace_of(look.runs_of(name)) for name in look.system.names]
    return max(130, 24 + LETTER * max(map(len, texts), default=0))


def _node(look: Look, name: str, *, x: int, y: int, width: int) -> Node:
    runs = look.runs_of(name)
    worst = max(runs, key=_rank, default=None)
    return Node(
        name=name,
        short_name=Truncator(name).chars(NAME_LENGTH),
        words=_words(runs),
        pace=pace_of(runs),
        state=worst.severity if worst else "leader",
        url=worst.url if worst else "",
        x=x,
        y=y,
        width=width,
    )


def _words(runs: Sequence[FollowerLook]) -> str:
    if not runs:
        return ""
    words = max(runs, key=_rank).label
    behind = behind_of(runs)
    return _("%(state)s, %(count)s behind") % {"state": words, "count": behind} if behind else words


def _rank(follower: FollowerLook) -> int:
    return RANKS.index(follower.severity)


def _edge(upstream: Node, follower: Node) -> Edge:
    title = _("%(follower)s follows %(upstream)s") % {
        "follower": follower.name,
        "upstream": upstream.name,
    }
    if upstream is follower:
        x1, x2, y = upstream.centre + 20, upstream.centre - 20, upstream.y + HEIGHT
        below = y + LOOP
        return Edge(path=f"M{x1} {y}C{x1} {below} {x2} {below} {x2} {y + ARROW}", title=title)
    if upstream.x < follower.x:
        x1, y1 = upstream.x + upstream.width, upstream.y + HEIGHT // 2
        x2, y2 = follower.x - ARROW, follower.y + HEIGHT // 2
    else:
        # It leads back, beside the arrow that leads there.
        x1, y1 = upstream.x, upstream.y + HEIGHT - 12
        x2, y2 = follower.x + follower.width + ARROW, follower.y + HEIGHT - 12
    middle = (x1 + x2) // 2
    return Edge(path=f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", title=title)
