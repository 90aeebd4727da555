"""Errors of tables beside those in use."""

from django.core.management.base import CommandError

__all__ = [
    "LeftoverTablesError",
    "MissingTablesError",
    "OrphanedRowsError",
    "ShadowTablesError",
    "SwapDelayedError",
    "SwapRefusedError",
]


class ShadowTablesError(CommandError):
    """
    Tables beside those in use cannot be had, or cannot take their place.

    The text names what is in the way and the remedy.
    """


class LeftoverTablesError(ShadowTablesError):
    """Tables of an earlier attempt are there."""


class MissingTablesError(ShadowTablesError):
    """The tables have not been made, or not all of them."""


class SwapRefusedError(ShadowTablesError):
    """A swap would lose or change something that belongs to the tables in use."""


class OrphanedRowsError(SwapRefusedError):
    """Rows of other tables refer to rows that the new tables do not have."""


class SwapDelayedError(ShadowTablesError):
    """Others have used the tables for as long as the swap was willing to wait."""
