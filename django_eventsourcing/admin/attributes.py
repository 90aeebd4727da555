"""Attributes: values beside what they were before, with what has become of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from django_eventsourcing.admin.payloads import readable_line
from django_eventsourcing.payloads import visible

__all__ = ["Attribute", "compared"]


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
    for name, value in now.items():
        kind = kinds.get(name, "")
        was = readable_line(before[name]) if kind == "changed" and name in before else ""
        yield Attribute(name=visible(name), now=readable_line(value), before=was, kind=kind)
    for name, value in before.items():
        if name not in now:
            yield Attribute(name=visible(name), before=readable_line(value), kind="removed")
