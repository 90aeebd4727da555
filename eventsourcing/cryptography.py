"""An import path of the cipher that is built on the package ``cryptography``, as this one is."""

from eventsourcing.cipher import AESCipher

__all__ = ["AESCipher"]
