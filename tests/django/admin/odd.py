"""Parcels: an application whose aggregates hold values of many kinds."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, aggregate, event
from eventsourcing.persistence import Transcoder, Transcoding
from eventsourcing.system import System

__all__ = ["Box", "Depot", "Parcel", "Size", "Weight", "system"]


class Size(Enum):
    SMALL = 1
    LARGE = 2


@dataclass(frozen=True)
class Weight:
    grams: Decimal
    scale: UUID


class SizeAsName(Transcoding):
    type = Size
    name = "size"

    def encode(self, obj):
        return obj.name

    def decode(self, data):
        return Size[data]


class WeightAsPair(Transcoding):
    type = Weight
    name = "weight"

    def encode(self, obj):
        return {"grams": obj.grams, "scale": obj.scale}

    def decode(self, data):
        return Weight(**data)


class Parcel(Aggregate):
    class Packed(Aggregate.Created):
        content: Any
        size: Size
        weight: Weight
        due: datetime
        class_version = 2

        @staticmethod
        def upcast_v1_v2(state):
            state["content"] = [state["content"]]

    @event(Packed)
    def __init__(self, content, size, weight, due):
        self.contents = {"first": content}
        self.size = size
        self.weight = weight
        self.due = due
        self.stamps = {1, 2}

    @event("Stamped")
    def stamp(self, number, note=None):
        self.stamps.add(number)
        self.contents[f"note {number}"] = note


@aggregate
class Box:
    def __init__(self, name: str, count: int):
        self.name = name
        self.count = count

    @event("Counted")
    def add(self, more: int):
        self.count += more


class Depot(Application):
    def register_transcodings(self, transcoder: Transcoder) -> None:
        super().register_transcodings(transcoder)
        transcoder.register(SizeAsName())
        transcoder.register(WeightAsPair())


system = System(pipes=[[Depot]])
