"""Foreign keys from other tables to those that are swapped."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ForeignKey", "orphans_query"]


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """A foreign key of the database from a table that stays to one that is swapped."""

    table: str
    """The table that stays, as SQL has it: quoted, and with its schema where there are any."""
    name: str
    """The constraint's name; empty where it has none (SQLite)."""
    columns: Sequence[str]
    target: str
    """The table that is swapped, by the name that it has in use."""
    target_columns: Sequence[str]
    definition: str = ""
    """What is said of it after its name, where it has to be made again."""

    def __str__(self) -> str:
        return f"{self.table} ({', '.join(self.columns)})"


def orphans_query(key: ForeignKey, target: str, quoted: Sequence[str], to: Sequence[str]) -> str:
    """Return the query that counts rows which refer to none of ``target``; all is quoted."""
    given = " AND ".join(f"{key.table}.{column} IS NOT NULL" for column in quoted)
    same = " AND ".join(
        f"{target}.{there} = {key.table}.{here}" for here, there in zip(quoted, to, strict=True)
    )
    return (
        f"SELECT count(*) FROM {key.table} WHERE {given} "  # noqa: S608
        f"AND NOT EXISTS (SELECT 1 FROM {target} WHERE {same})"
    )
