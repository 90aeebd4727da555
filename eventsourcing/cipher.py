"""Encryption of encoded state with AES-GCM; needs the extra ``crypto``."""

import os
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from eventsourcing.environment import Environment
from eventsourcing.persistence import Cipher

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["AESCipher"]

_KEY_SIZES = (16, 24, 32)
_NONCE_SIZE = 12
_TAG_SIZE = 16


class AESCipher(Cipher):
    """
    Encrypts and authenticates with AES in Galois/Counter Mode (NIST SP 800-38D).

    The key is read from ``CIPHER_KEY``, in Base64. A ciphertext is a random nonce of 12 bytes,
    the tag of 16 bytes, and the encrypted data.
    """

    CIPHER_KEY = "CIPHER_KEY"

    @staticmethod
    def create_key(num_bytes: int) -> str:
        """Return a new random key of 16, 24 or 32 bytes, in Base64."""
        _check_key_size(num_bytes)
        return b64encode(os.urandom(num_bytes)).decode("ascii")

    def __init__(self, environment: Environment) -> None:
        if not environment.get(self.CIPHER_KEY):
            names = " or ".join(environment.create_keys(self.CIPHER_KEY))
            raise OSError(
                f"{names} is not set. Set it to a key from AESCipher.create_key(32), which is "
                f"to be kept as secret as the data."
            )
        # The value is a secret: it is not shown, nor chained to, nor kept in a variable, as reports
        # of errors may tell what those hold.
        try:
            size = len(_decoded(environment.get(self.CIPHER_KEY, "")))
        except ValueError:
            raise ValueError(f"{self.CIPHER_KEY} is not valid Base64.") from None
        _check_key_size(size)
        self._aes = _aes_gcm()(_decoded(environment.get(self.CIPHER_KEY, "")))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return nonce, tag and encrypted data."""
        nonce = os.urandom(_NONCE_SIZE)
        sealed = self._aes.encrypt(nonce, plaintext, None)
        return nonce + sealed[-_TAG_SIZE:] + sealed[:-_TAG_SIZE]

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return the plaintext; raise ``ValueError`` if the ciphertext is damaged or foreign."""
        start = _NONCE_SIZE + _TAG_SIZE
        if len(ciphertext) < start:
            raise ValueError(
                f"The ciphertext has {len(ciphertext)} bytes, which is too short: it is damaged, "
                f"or was never encrypted."
            )
        nonce, tag, data = (
            ciphertext[:_NONCE_SIZE],
            ciphertext[_NONCE_SIZE:start],
            ciphertext[start:],
        )
        from cryptography.exceptions import InvalidTag

        try:
            return self._aes.decrypt(nonce, data + tag, None)
        except InvalidTag:
            raise ValueError(
                "The ciphertext is damaged, or was encrypted with another key."
            ) from None


def _decoded(key: str) -> bytes:
    return b64decode(key, validate=True)


def _aes_gcm() -> "type[AESGCM]":
    # Imported here, since the library as a whole needs nothing but Python.
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError as error:
        raise ModuleNotFoundError(
            "AESCipher needs the package cryptography. Install django-eventsourcing[crypto].",
            name="cryptography",
        ) from error
    return AESGCM


def _check_key_size(num_bytes: int) -> None:
    if num_bytes not in _KEY_SIZES:
        raise ValueError(f"A key of {num_bytes} bytes cannot be used. Use 16, 24 or 32 bytes.")
