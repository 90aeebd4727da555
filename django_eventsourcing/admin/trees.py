"""Trees: values within values, each with its kind, as a page folds and unfolds them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_eventsourcing.admin.payloads import readable_line
from django_eventsourcing.payloads import readable, visible

__all__ = ["Node", "kind_of", "tree_of"]

DEPTH = 8
"""Levels that are folded; what is deeper is text, in one line."""
MOST_NODES = 500
"""Values that a page shows apart; the rest is told by its number."""
UNFOLDED = 10
"""Values that an inner list or object may have to be unfolded from the start."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A value: either a ``text``, or a list or an object that has values itself."""

    name: str
    kind: str
    """What kind of value it is, in a word; or the name of its class."""
    text: str = ""
    size: str = ""
    """How many values it has, in words."""
    nodes: Sequence["Node"] = ()
    is_open: bool = False


def tree_of(values: Any) -> Sequence[Node]:
    """Return the nodes of an object or a list; of any other value, one without a name."""
    left = [MOST_NODES]
    inner = _inner(values)
    if inner is None:
        return [_node("", values, left, 1)]
    return _nodes(inner, left, 1)


def kind_of(value: Any) -> str:
    """Return what kind of value it is, in a word that JSON has; or else the name of its class."""
    words = {
        type(None): _("null"),
        bool: _("truth value"),
        str: _("text"),
        int: _("number"),
        float: _("number"),
        list: _("list"),
        dict: _("object"),
    }
    return words.get(type(value)) or type(value).__qualname__


def _nodes(inner: Iterable[tuple[Any, Any]], left: list[int], depth: int) -> list[Node]:
    nodes = []
    pairs = list(inner)
    for number, (name, value) in enumerate(pairs):
        if left[0] <= 0:
            rest = len(pairs) - number
            more = ngettext("… and %(rest)d more", "… and %(rest)d more", rest) % {"rest": rest}
            nodes.append(Node(name="", kind="", text=more))
            break
        left[0] -= 1
        nodes.append(_node(str(readable(name)), value, left, depth))
    return nodes


def _node(name: str, value: Any, left: list[int], depth: int) -> Node:
    inner = _inner(value)
    if not inner or depth >= DEPTH:
        text = readable_line(readable(value))
        return Node(name=visible(name), kind=visible(kind_of(value)), text=text)
    size = ngettext("%(count)d value", "%(count)d values", len(inner)) % {"count": len(inner)}
    return Node(
        name=visible(name),
        kind=visible(kind_of(value)),
        size=size,
        nodes=_nodes(inner, left, depth + 1),
        is_open=len(inner) <= UNFOLDED,
    )


def _inner(value: Any) -> list[tuple[Any, Any]] | None:
    """Return the values within this one, with their names or numbers; ``None`` if it has none."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, set | frozenset):
        return list(enumerate(sorted(value, key=repr)))
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    return None
