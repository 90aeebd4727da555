"""Names of tables beside those in use."""

from django.db.backends.utils import names_digest

__all__ = ["beside"]


def beside(name: str, purpose: str, limit: int) -> str:
    """Return ``name__purpose``; a name that would be too long is cut, and told by a digest."""
    suffix = f"__{purpose}"
    if len(name) + len(suffix) <= limit:
        return name + suffix
    suffix = f"_{names_digest(name, length=8)}{suffix}"
    return name[: limit - len(suffix)] + suffix
