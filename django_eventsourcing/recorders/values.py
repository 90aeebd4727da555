"""Values checked before they reach a database, which might cut them short or half-refuse them."""

from django.db.models import Model

from eventsourcing.persistence.errors import DataError

__all__ = ["BIGGEST_INTEGER", "checked_text", "within_bounds"]

BIGGEST_INTEGER = 2**63 - 1
"""The highest version and the highest id that there can be."""


def within_bounds(number: int) -> int:
    """Return the number, or the one that is nearest to it of those that there can be."""
    return max(-BIGGEST_INTEGER, min(number, BIGGEST_INTEGER))


def checked_text(model: type[Model], field_name: str, value: str) -> str:
    """Return the value; raise ``DataError`` unless the model's field can keep it as it is."""
    max_length = getattr(model._meta.get_field(field_name), "max_length", None)
    if max_length is not None and len(value) > max_length:
        raise DataError(
            f"{field_name} {value[:40] + '…'!r} has {len(value)} characters; "
            f"{model.__name__} keeps {max_length} at most."
        )
    if "\0" in value:
        raise DataError(f"{field_name} {value!r} contains a NUL, which databases cannot keep.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{field_name} {value!r} cannot be encoded: {error}") from error
    return value
