"""Compression of encoded state."""

import zlib

from eventsourcing.persistence import Compressor

__all__ = ["ZlibCompressor"]


class ZlibCompressor(Compressor):
    """Compresses with zlib, as ``COMPRESSOR_TOPIC=zlib`` does."""

    def compress(self, data: bytes) -> bytes:
        return zlib.compress(data)

    def decompress(self, data: bytes) -> bytes:
        return zlib.decompress(data)
