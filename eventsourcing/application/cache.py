"""Caches of aggregates: the most recently used ones, or all of them."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Cache", "LRUCache"]

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Keeps values by their keys, for as long as it lives. Threads may share it."""

    def __init__(self) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, evict: bool = False) -> V:
        """Return the value of the key, and forget it if so asked; raise ``KeyError``."""
        with self._lock:
            return self._values.pop(key) if evict else self._values[key]

    def put(self, key: K, value: V) -> tuple[K | None, V | None]:
        """Keep the value; return the key and value that had to go for it, or ``(None, None)``."""
        with self._lock:
            self._values[key] = value
        return None, None


class LRUCache(Cache[K, V]):
    """Keeps the values that were used most recently, ``maxsize`` of them."""

    def __init__(self, maxsize: int) -> None:
        super().__init__()
        self.maxsize = maxsize

    def get(self, key: K, evict: bool = False) -> V:
        """Return the value of the key, and forget it if so asked; raise ``KeyError``."""
        with self._lock:
            if evict:
                return self._values.pop(key)
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: K, value: V) -> tuple[K | None, V | None]:
        """Keep the value; return the key and value that had to go for it, or ``(None, None)``."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self.maxsize:
                return self._values.popitem(last=False)
        return None, None
