"""Who gives a command, for the record."""

import getpass

__all__ = ["os_user"]


def os_user() -> str:
    """Return the name of the operating system's user, or an empty text if it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # In a container, a user may be no more than a number.
        return ""
