"""The environment: named settings of an application, as text."""

from collections.abc import Mapping
from typing import Any, overload

__all__ = ["EnvType", "Environment", "strtobool"]

EnvType = Mapping[str, str]


class Environment(dict[str, str]):
    """
    Settings in which those that carry the application's name come first.

    The environment of "DogSchool" answers a question for ``COMPRESSOR_TOPIC`` by the value of
    ``DOGSCHOOL_COMPRESSOR_TOPIC`` if there is one, and by ``COMPRESSOR_TOPIC`` otherwise.
    """

    def __init__(self, name: str = "", env: EnvType | None = None) -> None:
        super().__init__(env or {})
        self.name = name

    def __repr__(self) -> str:
        # Values may be secrets, and representations end up in logs and in reports of errors.
        return f"<Environment {self.name!r}: {', '.join(sorted(self)) or 'empty'}>"

    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...

    @overload
    def get(self, key: str, default: str, /) -> str: ...

    @overload
    def get(self, key: str, default: Any, /) -> Any: ...

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the first value found under the names that the key can have."""
        for name in self.create_keys(key):
            value = super().get(name)
            if value is not None:
                return value
        return default

    def create_keys(self, key: str) -> list[str]:
        """Return the names that the key can have, the most particular first."""
        return [f"{self.name.upper()}_{key}", key] if self.name else [key]


_TRUE = frozenset({"1", "on", "t", "true", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off"})


def strtobool(value: str) -> bool:
    """Return what a text such as "yes", "on", "0" or "false" means, in any case of letters."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text, so it cannot be read as true or false.")
    word = value.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{value!r} means neither true nor false. Write 'true' or 'false'.")
