"""Names: of classes, as they are shown in columns that may be narrow."""

import re

from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

__all__ = ["breakable", "class_name"]

_LINE_BREAK = mark_safe("<wbr>")


def class_name(topic: str) -> str:
    """Return the name of the class, without its module."""
    return topic.rpartition(":")[2] or topic


def breakable(name: str) -> SafeString:
    """Return the name as HTML that may break at its dots, and within words only if it must."""
    return format_html_join(_LINE_BREAK, "{}", ((part,) for part in re.split(r"(?<=[.:])", name)))
