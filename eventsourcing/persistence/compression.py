"""Contracts of what a mapper may do with encoded state: compress it and encrypt it."""

from abc import ABC, abstractmethod

from eventsourcing.environment import Environment

__all__ = ["Cipher", "Compressor"]


class Compressor(ABC):
    """Makes encoded state smaller. A module with these two functions serves as well."""

    @abstractmethod
    def compress(self, data: bytes) -> bytes:
        """Return the data compressed."""

    @abstractmethod
    def decompress(self, data: bytes) -> bytes:
        """Return the data that ``compress`` was given."""

    def decompress_at_most(self, data: bytes, size: int) -> bytes:
        """
        Return the first ``size`` bytes of what ``decompress`` returns, or all if it is less.

        By default all of it is decompressed first, whatever memory that takes. Override it where
        the format can be read in part.
        """
        return self.decompress(data)[:size]


class Cipher(ABC):
    """Encrypts encoded state, with a key from the environment."""

    @abstractmethod
    def __init__(self, environment: Environment) -> None:
        """Read the key; raise ``OSError`` if it is missing and ``ValueError`` if it is unusable."""

    @abstractmethod
    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the ciphertext."""

    @abstractmethod
    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext; raise ``ValueError`` if the ciphertext is damaged or foreign."""
