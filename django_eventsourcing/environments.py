"""Environments: the values that a system's applications are built with, by precedence."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from django_eventsourcing.conf import MODEL_KINDS, SystemConfig
from django_eventsourcing.segments import Segment
from eventsourcing.environment import Environment

if TYPE_CHECKING:
    from eventsourcing.system import System

__all__ = ["DJANGO_PERSISTENCE_MODULE", "model_labels", "segment_env", "system_env", "uses_django"]

DJANGO_PERSISTENCE_MODULE = "django_eventsourcing.factory"


def system_env(config: SystemConfig, system: "System") -> Environment:
    """
    Return one environment for all applications of the system, keys prefixed with their names.

    A value is looked for in ``os.environ``, the application's ENV, the system's ENV, the class's
    ``env`` and the defaults, in this order; in each of them ``NAME_KEY`` before ``KEY``. One
    environment serves all, since a follower reads its leader's events with the leader's values.
    """
    env = Environment()
    for name in system.nodes:
        layers = _layers(config, system, name)
        prefix = f"{name.upper()}_"
        for key in _keys(layers[1:], prefix):
            value = _find(layers, prefix, key)
            if value is not None:
                env[f"{prefix}{key}"] = value
        env[f"{prefix}DJANGO_DB_ALIAS"] = config.database_of(name)
        # What nobody follows wakes nobody up.
        is_heard = config.options.listen is not False and bool(system.leads.get(name))
        env[f"{prefix}DJANGO_NOTIFY"] = "y" if is_heard else "n"
        if (segments := config.application(name).segments) > 1:
            env[f"{prefix}DJANGO_SEGMENTS"] = str(segments)
        for kind in MODEL_KINDS:
            key = _model_key(kind)
            label = config.application(name).models.get(kind) or _find(layers, prefix, key)
            if label:
                env[f"{prefix}{key}"] = label
    return env


def segment_env(env: Mapping[str, str], segment: Segment) -> Environment:
    """Return the environment of a system with what makes its follower the segment."""
    prefix = f"{segment.follower.upper()}_"
    own = {
        f"{prefix}DJANGO_SEGMENTS": str(segment.count),
        f"{prefix}DJANGO_SEGMENT": str(segment.number),
    }
    return Environment(env={**env, **own})


def model_labels(get: Callable[[str], str | None]) -> dict[str, str]:
    """Return the labels of an application's own models, as it gets them from its environment."""
    labels = {kind: get(_model_key(kind)) for kind in MODEL_KINDS}
    return {kind: label for kind, label in labels.items() if label}


def uses_django(env: Mapping[str, str], name: str) -> bool:
    """Tell whether the named application keeps its events in Django's databases."""
    module = env.get(f"{name.upper()}_PERSISTENCE_MODULE", "")
    return module.partition(":")[0] == DJANGO_PERSISTENCE_MODULE


def _model_key(kind: str) -> str:
    return f"DJANGO_{kind}_MODEL"


def _layers(config: SystemConfig, system: "System", name: str) -> list[Mapping[str, str]]:
    return [
        os.environ,
        config.application(name).env,
        config.env,
        system.get_app_cls(name).env,
        {"PERSISTENCE_MODULE": DJANGO_PERSISTENCE_MODULE},
    ]


def _keys(layers: list[Mapping[str, str]], prefix: str) -> list[str]:
    keys = [key for layer in layers for key in layer]
    return list(dict.fromkeys([*keys, *(key.removeprefix(prefix) for key in keys)]))


def _find(layers: list[Mapping[str, str]], prefix: str, key: str) -> str | None:
    for layer in layers:
        for name in (f"{prefix}{key}", key):
            if name in layer:
                return layer[name]
    return None
