"""Attributes: values beside what they were before, with what has become of them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from django_eventsourcing.admin.payloads import readable_line
from django_eventsourcing.payloads import visible

__all__ = ["Attribute", "compared", "in_parts"]

DEEPEST = 4
"""Levels of values within values that are compared part by part."""
MOST_PARTS = 50
"""Parts of one attribute that are told apart; of more, the whole is shown."""


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """An attribute with its value, and with what it was before if that is another."""

    name: str
    now: str = ""
    before: str = ""
    kind: str = ""
    """Whether it was ``added``, ``removed`` or ``changed``; empty if it is as before."""

    @property
    def word(self) -> str:
        """What has become of it, in a word."""
        words = {"added": _("added"), "removed": _("removed"), "changed": _("changed")}
        return words.get(self.kind, "")


def compared(
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    kinds: Mapping[str, str],
) -> Iterable[Attribute]:
    """Yield all attributes, those that are gone last; ``kinds`` has what has become of some."""
    for name in dict.fromkeys([*now, *before]):
        yield _whole(name, before, now, kinds)


def in_parts(
    before: Mapping[str, Any], now: Mapping[str, Any], kinds: Mapping[str, str]
) -> Iterator[Attribute]:
    """
    Yield what has changed of the attributes, and of their values within.

    An entry of an object, or an item that a list has got at its end, has a line of its own, so that
    a small change of a large value can be seen.
    """
    for name in dict.fromkeys([*now, *before]):
        whole = _whole(name, before, now, kinds)
        if whole.kind == "changed" and name in before:
            parts = list(islice(_parts(name, before[name], now[name]), MOST_PARTS + 1))
            yield from parts if len(parts) <= MOST_PARTS else [whole]
        elif whole.kind:
            yield whole


def _whole(
    name: str, before: Mapping[str, Any], now: Mapping[str, Any], kinds: Mapping[str, str]
) -> Attribute:
    if name not in now:
        return Attribute(name=visible(name), before=readable_line(before[name]), kind="removed")
    kind = kinds.get(name, "")
    was = readable_line(before[name]) if kind == "changed" and name in before else ""
    return Attribute(name=visible(name), now=readable_line(now[name]), before=was, kind=kind)


def _parts(name: str, before: Any, now: Any, depth: int = DEEPEST) -> Iterator[Attribute]:
    if depth and isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            path = f"{name}.{key}"
            if key not in before:
                yield Attribute(name=visible(path), now=readable_line(now[key]), kind="added")
            elif key not in now:
                was = readable_line(before[key])
                yield Attribute(name=visible(path), before=was, kind="removed")
            elif before[key] != now[key]:
                yield from _parts(path, before[key], now[key], depth - 1)
    elif depth and _is_longer(before, now):
        for number in range(len(before), len(now)):
            yield Attribute(
                name=visible(f"{name}[{number}]"), now=readable_line(now[number]), kind="added"
            )
    else:
        yield Attribute(
            name=visible(name),
            now=readable_line(now),
            before=readable_line(before),
            kind="changed",
        )


def _is_longer(before: Any, now: Any) -> bool:
    both = isinstance(before, list) and isinstance(now, list)
    return both and len(now) > len(before) and now[: len(before)] == before
