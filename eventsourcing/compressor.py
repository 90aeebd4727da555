"""Compression of encoded state."""

import zlib

from eventsourcing.persistence import Compressor
from eventsourcing.persistence.inflating import inflated_at_most

__all__ = ["ZlibCompressor"]


class ZlibCompressor(Compressor):
    """Compresses with zlib, as ``COMPRESSOR_TOPIC=zlib`` does."""

    def compress(self, data: bytes) -> bytes:
        return zlib.compress(data)

    def decompress(self, data: bytes) -> bytes:
        return zlib.decompress(data)

    def decompress_at_most(self, data: bytes, size: int) -> bytes:
        """Return the first ``size`` bytes, without making more than these."""
        return inflated_at_most(zlib, data, size)
