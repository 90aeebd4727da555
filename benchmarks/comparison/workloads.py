"""Workloads: what is measured, by whom, and what this project is to reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LATENCIES", "RATES", "Longest", "Ratio", "Workload"]

BOTH = ("sqlite", "postgres")
PEERS = ("django_peer", "native_peer")


@dataclass(frozen=True)
class Ratio:
    """This project's rate is to be at least so many times that of another."""

    of: str
    least: float
    databases: Sequence[str] = BOTH


@dataclass(frozen=True)
class Longest:
    """So many of a hundred samples are to take at most so long, in milliseconds."""

    percentile: int
    milliseconds: float
    databases: Sequence[str] = ("postgres",)


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Something that each of the variants does in its turn."""

    name: str
    title: str
    variants: Mapping[str, tuple[str, Mapping[str, Any]]]
    """By label: which contender does it, and its arguments."""
    targets: Sequence[Ratio | Longest] = ()
    databases: Sequence[str] = BOTH
    also: Sequence[Ratio] = field(default=())
    """What is aimed at, beyond what is to be reached."""


def _variants(
    quick: int, slow: int, contenders: Sequence[str], **more: Any
) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Give each contender work for a while: peers get less, where they are slow."""
    return {
        name: (name, {"count": slow if name in PEERS else quick, **more}) for name in contenders
    }


ALL = ("ours", *PEERS, "orm", "raw")

RATES = [
    Workload(
        name="save_one",
        title="save one event, one transaction each",
        variants=_variants(400, 400, ALL),
        targets=[
            Ratio("django_peer", 1.3, ["postgres"]),
            Ratio("native_peer", 1.3, ["postgres"]),
            Ratio("orm", 0.95, ["postgres"]),
            Ratio("native_peer", 1.0, ["sqlite"]),
        ],
    ),
    Workload(
        name="save_many",
        title="save 100 events at once",
        variants=_variants(5000, 2000, ALL),
        targets=[Ratio("orm", 1.0), Ratio("django_peer", 5.0, ["postgres"])],
        also=[Ratio("raw", 0.5)],
    ),
    Workload(
        name="load",
        title="load an aggregate of 1,000 events",
        variants=_variants(10, 5, ALL, events=1000),
        targets=[Ratio("django_peer", 4.0), Ratio("native_peer", 4.0)],
        also=[Ratio("raw", 0.6)],
    ),
    Workload(
        name="trigger",
        title="trigger events in memory",
        variants=_variants(20000, 5000, ("ours", "native_peer", "raw")),
        targets=[Ratio("native_peer", 4.0, ["sqlite"])],
        databases=["sqlite"],
    ),
    Workload(
        name="read_log",
        title="read the log, pages of 100",
        variants=_variants(10000, 10000, ALL),
        targets=[Ratio("django_peer", 1.5)],
    ),
    Workload(
        name="catch_up",
        title="catch up, the policy records an event each",
        variants={
            **_variants(10000, 500, ("ours", *PEERS)),
            "orm": ("orm", {"count": 5000, "batch_size": 500}),
            "orm, singly": ("orm", {"count": 500, "batch_size": 1}),
            "raw": ("raw", {"count": 5000, "batch_size": 500}),
            "raw, singly": ("raw", {"count": 1000, "batch_size": 1}),
        },
        targets=[Ratio("django_peer", 15.0), Ratio("orm", 0.5)],
    ),
    Workload(
        name="pass_over",
        title="catch up, the policy records nothing",
        variants={
            **_variants(50000, 1000, ("ours", *PEERS)),
            "orm": ("orm", {"count": 20000, "batch_size": 500}),
            "raw": ("raw", {"count": 50000, "batch_size": 500}),
        },
        targets=[
            Ratio("django_peer", 40.0, ["postgres"]),
            Ratio("django_peer", 25.0, ["sqlite"]),
        ],
    ),
    Workload(
        name="synchronous",
        title="the whole system, synchronous",
        variants=_variants(300, 200, ("ours", *PEERS)),
        targets=[Ratio("django_peer", 1.8)],
    ),
    Workload(
        name="threaded",
        title="the whole system, threaded, until settled",
        variants=_variants(500, 200, ("ours", *PEERS)),
        targets=[Ratio("django_peer", 3.0)],
    ),
]

LATENCIES = [
    Workload(
        name="latency",
        title="save → processed by a thread",
        variants=_variants(200, 200, ("ours", *PEERS), pause=0.02),
        targets=[Longest(50, 3.0), Longest(99, 10.0)],
    ),
]
