"""Metadata: what was recorded with an event, a row for each key, and the way to its cause."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from django_eventsourcing.admin.payloads import readable_json
from django_eventsourcing.admin.trees import Node, kind_of, tree_of
from django_eventsourcing.payloads import visible

__all__ = ["MetadataRow", "metadata_rows"]


@dataclass(frozen=True, kw_only=True)
class MetadataRow:
    """A key of an event's metadata, with its value in words."""

    label: str
    text: str
    kind: str
    """What kind of value it is in JSON."""
    nodes: Sequence[Node] = ()
    """The values of a list or an object."""
    is_masked: bool = False
    """Whether the value is not for the reader to see; then there is no text."""
    url: str = ""
    """The page of the event that the value names."""
    search_url: str = ""
    """The list of all events that have the value."""


def metadata_rows(
    metadata: Any,
    url_of: Callable[[Any], str],
    trace_url: Callable[[Any], str],
    search_url: Callable[[str, Any], str],
    *,
    is_masked: bool = False,
) -> Sequence[MetadataRow]:
    """
    Return the rows, those of reserved keys first; with the pages of causation and trace.

    ``search_url`` is that of the list of all events with the same correlation or user.

    Masked, the values are left out, but for those that say how events belong together.
    """
    if not isinstance(metadata, Mapping):
        # Nobody records such a thing through an application.
        whole = _row(_("Metadata"), metadata, is_masked=is_masked)
        return [] if metadata is None else [whole]
    labels = {
        "correlation_id": _("Correlation"),
        "causation_id": _("Causation"),
        "user": _("User"),
    }
    urls = {"correlation_id": trace_url, "causation_id": url_of}
    searched = {"correlation_id": "correlation", "user": "user"}
    rows = []
    for key in [*labels, *sorted(metadata.keys() - labels)]:
        if key in metadata:
            url = urls[key](metadata[key]) if key in urls else ""
            hidden = is_masked and key not in urls
            row = _row(labels.get(key, key), metadata[key], url, is_masked=hidden)
            if key in searched and not hidden and isinstance(metadata[key], str | int):
                row = replace(row, search_url=search_url(searched[key], metadata[key]))
            rows.append(row)
    return rows


def _row(label: str, value: Any, url: str = "", *, is_masked: bool = False) -> MetadataRow:
    if is_masked:
        return MetadataRow(label=visible(label), text="", kind=kind_of(value), is_masked=True)
    text = value if isinstance(value, str) else readable_json(value) or "null"
    return MetadataRow(
        label=visible(label),
        text=visible(text),
        kind=kind_of(value),
        nodes=tree_of(value) if isinstance(value, list | dict) else (),
        url=url,
    )
