"""A transcoder that writes the same JSON as ours by orjson, for declarative aggregates."""

from typing import Any
from uuid import UUID

import orjson

from eventsourcing.persistence import JSONTranscoder, Transcoder
from tests.core.styles import declarative

_WITH_TRANSCODINGS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


class OrjsonTranscoder(JSONTranscoder):
    """Writes by orjson, which writes UUIDs before it would ask: they are wrapped beforehand."""

    def encode(self, obj: Any) -> bytes:
        return orjson.dumps(
            self._wrapped(obj), default=self._encode_registered, option=_WITH_TRANSCODINGS
        )

    def decode(self, data: bytes) -> Any:
        return self._unwrapped(orjson.loads(data))

    def _wrapped(self, obj: Any) -> Any:
        if isinstance(obj, dict):
            return {key: self._wrapped(value) for key, value in obj.items()}
        if isinstance(obj, list | tuple):
            return [self._wrapped(value) for value in obj]
        return self._encode_registered(obj) if type(obj) is UUID else obj

    def _unwrapped(self, obj: Any) -> Any:
        if isinstance(obj, dict):
            return self._decode_registered(
                {key: self._unwrapped(value) for key, value in obj.items()}
            )
        if isinstance(obj, list):
            return [self._unwrapped(value) for value in obj]
        return obj


class DogSchool(declarative.DogSchool):
    def construct_transcoder(self) -> Transcoder:
        transcoder = OrjsonTranscoder()
        self.register_transcodings(transcoder)
        return transcoder
