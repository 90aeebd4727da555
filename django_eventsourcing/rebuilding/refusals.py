"""Refusals: followers that cannot be rebuilt without losing or doubling something."""

from collections.abc import Callable, Sequence
from typing import cast

from django.db.models import Model

from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.projections import ModelProjection
from django_eventsourcing.rebuilding.errors import RebuildRefusedError
from django_eventsourcing.rebuilding.positions import KeptPositions
from django_eventsourcing.rebuilding.references import referring_from_outside
from django_eventsourcing.recorders import DjangoTrackingRecorder
from django_eventsourcing.recorders.errors import database_errors
from django_eventsourcing.registry import ConfiguredSystem

__all__ = [
    "models_of",
    "require_not_paused",
    "require_nothing_recorded",
    "require_nothing_refers",
    "require_rebuildable",
    "version_of",
]


def models_of(system: ConfiguredSystem, follower: str) -> Sequence[type[Model]]:
    """Return the models that the follower says are its alone."""
    return tuple(getattr(system.class_of(follower), "models", ()))


def version_of(system: ConfiguredSystem, follower: str) -> int:
    """Return the version of the rows that the follower's code writes."""
    return int(getattr(system.class_of(follower), "version", 1))


def require_rebuildable(
    system: ConfiguredSystem,
    follower: str,
    positions: Callable[[], KeptPositions],
    *,
    repeats: bool,
) -> None:
    """Raise ``RebuildRefusedError`` if the follower's rows cannot be made again from events."""
    cls = system.class_of(follower)
    if not issubclass(cls, ModelProjection):
        require_nothing_recorded(system, follower)
        if not repeats:
            raise RebuildRefusedError(
                f"{follower} is no model projection: what its policy does besides writing models, "
                "such as sending mail, would be done again.  HINT: If nothing is wrong with that, "
                "say so by --repeat-effects; or derive it from ModelProjection."
            )
    if not models_of(system, follower):
        raise RebuildRefusedError(
            f"{follower} does not say which models are its.  HINT: Name those that it writes, and "
            "nobody else, in the class attribute 'models'."
        )
    missing = _parents_left_out(models_of(system, follower))
    if missing:
        raise RebuildRefusedError(
            f"{follower} has models that inherit from others, which would keep their rows: "
            f"{', '.join(missing)}.  HINT: Name these in 'models', too."
        )
    recorder = cast(DjangoTrackingRecorder, system.get(system.runs_of(follower)[0]).recorder)
    for upstream in system.upstreams_of(follower):
        recorder.require_in_force(upstream, positions().in_force(upstream))


def require_nothing_recorded(system: ConfiguredSystem, follower: str) -> None:
    """Raise ``RebuildRefusedError`` if the follower has recorded events: they would be doubled."""
    if issubclass(system.class_of(follower), ModelProjection):
        return
    alias = system.database_of(follower)
    with database_errors(alias):
        log = system.models_of(follower).event.objects.using(alias).of(follower)
        if not log.exists():
            return
    others = [name for name in system.system.followers if follower in system.upstreams_of(name)]
    seen = f", and {', '.join(others)} may have processed them" if others else ""
    raise RebuildRefusedError(
        f"{follower} has recorded events of its own{seen}: to process its logs again would record "
        "them twice.  HINT: Let a ModelProjection beside it write the models, which can be rebuilt."
    )


def require_nothing_refers(system: ConfiguredSystem, follower: str) -> None:
    """Raise ``RebuildRefusedError`` if rows of other tables refer to those to be cleared."""
    alias = system.database_of(follower)
    with database_errors(alias):
        found = referring_from_outside(models_of(system, follower), alias)
    if found:
        raise RebuildRefusedError(
            f"{follower} cannot be cleared: rows of other tables refer to its rows, by "
            f"{', '.join(found)}.  HINT: Rebuild it by --shadow, which keeps such rows; or name "
            "their models in 'models', if the projection writes them, too."
        )


def require_not_paused(system: ConfiguredSystem, follower: str, reason: str) -> None:
    """Raise ``RebuildRefusedError`` if operators have paused it, other than for this reason."""
    alias = system.database_of(follower)
    with database_errors(alias):
        paused = FollowerRecord.objects.using(alias).filter(
            application_name__in=system.runs_of(follower),
            desired_state=FollowerRecord.DesiredState.PAUSED,
        )
        found = paused.exclude(desired_reason=reason).order_by("id").first()
    if found is not None:
        raise RebuildRefusedError(
            f"{found.application_name} is paused: {found.desired_reason}.  "
            f"HINT: Let it go on: manage.py es_resume {follower}"
        )


def _parents_left_out(models: Sequence[type[Model]]) -> list[str]:
    parents = {parent for model in models for parent in model._meta.get_parent_list()}
    return sorted(parent._meta.label for parent in parents.difference(models))
