"""Tables beside those in use: made, filled, and put in their place at once."""

from django_eventsourcing.projections.tables.errors import (
    LeftoverTablesError,
    MissingTablesError,
    OrphanedRowsError,
    ShadowTablesError,
    SwapDelayedError,
    SwapRefusedError,
)
from django_eventsourcing.projections.tables.foreign_keys import ForeignKey
from django_eventsourcing.projections.tables.shadow_tables import ShadowTables

__all__ = [
    "ForeignKey",
    "LeftoverTablesError",
    "MissingTablesError",
    "OrphanedRowsError",
    "ShadowTables",
    "ShadowTablesError",
    "SwapDelayedError",
    "SwapRefusedError",
]
