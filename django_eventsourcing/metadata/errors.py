"""What is wrong with metadata: told where it is given, before anything is recorded."""

__all__ = ["MetadataError", "MetadataSizeError"]


class MetadataError(ValueError):
    """A key or a value that cannot be recorded as metadata in every database."""


class MetadataSizeError(MetadataError):
    """Metadata that is larger than what is kept with an event."""
