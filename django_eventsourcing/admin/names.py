"""Names: of classes, as they are shown in columns that may be narrow."""

import re

__all__ = ["class_name", "split_at_dots"]


def class_name(topic: str) -> str:
    """Return the name of the class, without its module."""
    return topic.rpartition(":")[2] or topic


def split_at_dots(name: str) -> list[str]:
    """Return the parts between which a line may break, each with the dot that ends it."""
    return re.split(r"(?<=[.:])", name) if name else []
