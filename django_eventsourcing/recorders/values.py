"""Values checked before they reach a database, which might cut them short or half-refuse them."""

from django.db.models import Model

from eventsourcing.persistence.errors import DataError

__all__ = ["checked_text"]


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
