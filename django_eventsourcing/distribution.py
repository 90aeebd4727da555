"""The distribution: which version of it is installed."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_version"]


def installed_version() -> str:
    """Return the version; an empty text where the packages are used without being installed."""
    try:
        return version("django-eventsourcing")
    except PackageNotFoundError:
        return ""
