"""Inflating: decompression that ends when there is more than one wants."""

from typing import Protocol

__all__ = ["CompressorProtocol", "inflated_at_most"]

# Makers of decompressors in modules such as zlib, bz2 and lzma. What they make has
# ``decompress(data, max_length)``, and tells by ``eof`` whether the data has come to its end.
_MAKERS = ("decompressobj", "BZ2Decompressor", "LZMADecompressor")


class CompressorProtocol(Protocol):
    """A compressor object, or a module such as ``zlib``."""

    def compress(self, data: bytes, /) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def inflated_at_most(compressor: CompressorProtocol, data: bytes, size: int) -> bytes:
    """
    Return the first ``size`` bytes of the data decompressed, or all if it is less.

    No more than these are made where the compressor can end early: if it has
    ``decompress_at_most``, or is a module with an incremental decompressor. All are made elsewhere.
    """
    at_most = getattr(compressor, "decompress_at_most", None)
    if at_most is not None:
        first: bytes = at_most(data, size)
        return first
    for name in _MAKERS:
        if hasattr(compressor, name):
            decompressor = getattr(compressor, name)()
            first = decompressor.decompress(data, size)
            if len(first) == size or decompressor.eof:
                return first
            # The data is cut short, which the module says in words of its own.
            break
    return compressor.decompress(data)[:size]
