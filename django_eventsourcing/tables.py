"""Tables: rows of text in columns, words to the left and numbers to the right."""

from collections.abc import Collection, Sequence

__all__ = ["number_cell", "table_lines"]


def table_lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[str] = ()
) -> list[str]:
    """Return the lines of a table; ``numbers`` are the titles of the columns of numbers."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    are_numbers = [title in numbers for title in head]
    return [
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, are_numbers, strict=True)
        ).rstrip()
        for row in [head, *rows]
    ]


def number_cell(value: int | None) -> str:
    """Return the number as a table shows it; a dash if it is not known."""
    return "-" if value is None else f"{value:,}"
