"""Effective settings: every value that is in force for a system, and where it comes from."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.conf import settings

from django_eventsourcing.conf import MODEL_KINDS, RunnerOptions
from django_eventsourcing.environments import DJANGO_PERSISTENCE_MODULE
from django_eventsourcing.registry import ConfiguredSystem
from eventsourcing.persistence import InfrastructureFactory

__all__ = ["Setting", "application_settings", "environment_settings", "system_settings"]

DEFAULT = "default"
"""The source of what nobody has set."""
# Those of the environment's values that are no secrets: nobody knows what others may be.
_OPEN = (
    "PERSISTENCE_MODULE",
    "COMPRESSOR_TOPIC",
    "CIPHER_TOPIC",
    "PAYLOAD_MAX_BYTES",
    "INFLATED_MAX_BYTES",
    "NESTING_MAX_DEPTH",
    "AGGREGATE_CACHE_MAXSIZE",
    "IS_SNAPSHOTTING_ENABLED",
    "TRANSCODER_TOPIC",
    "MAPPER_TOPIC",
    "APPLICATION_RECORDER_TOPIC",
    "TRACKING_RECORDER_TOPIC",
    "PROCESS_RECORDER_TOPIC",
)
_SECRET = (InfrastructureFactory.CIPHER_KEY,)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A value that is in force."""

    name: str
    value: str
    """As it is written in Python; empty if it is masked."""
    source: str
    """Where it is set, as one would write it in Python; ``default`` if nowhere."""
    is_masked: bool = False
    """Whether it may be a secret, and is not shown."""


def system_settings(system: ConfiguredSystem) -> Iterator[Setting]:
    """Yield what is in force for the system as a whole."""
    config = system.config
    given: Mapping[str, Any] = settings.EVENTSOURCING[config.alias]
    where = f"EVENTSOURCING[{config.alias!r}]"
    key = "SYSTEM" if config.system is not None else "PIPES"
    yield _setting(key, config.system or [list(pipe) for pipe in config.pipes or ()], where, given)
    yield _setting("DATABASE", config.database, where, given)
    yield _setting("COMMIT_ORDER", config.commit_order, where, given)
    yield _setting("RUNNER", config.runner, where, given)
    options = given.get("OPTIONS", {})
    where += "['OPTIONS']"
    for each in fields(RunnerOptions):
        if each.name != "on_error":
            value = getattr(config.options, each.name)
            yield _setting(each.name.upper(), value, where, options)
    yield from _on_error(vars(config.options.on_error), options.get("ON_ERROR", {}), where)


def application_settings(system: ConfiguredSystem, name: str) -> Iterator[Setting]:
    """Yield what is set for the named application apart from the others."""
    config = system.config
    own = config.application(name)
    system_given: Mapping[str, Any] = settings.EVENTSOURCING[config.alias]
    given: Mapping[str, Any] = system_given.get("APPLICATIONS", {}).get(name, {})
    where = f"EVENTSOURCING[{config.alias!r}]['APPLICATIONS'][{name!r}]"
    if own.database is not None:
        yield _setting("DATABASE", own.database, where, given)
    for kind in MODEL_KINDS:
        if kind in own.models:
            yield _setting(kind, own.models[kind], f"{where}['MODELS']", own.models)
    if name not in system.system.followers:
        return
    yield _setting("SEGMENTS", own.segments, where, given)
    yield _setting("SYNC", own.sync, where, given)
    if own.rebuild is not None:
        yield _setting("REBUILD", own.rebuild, where, given)
    yield from _on_error(own.on_error, own.on_error, where)


def environment_settings(system: ConfiguredSystem, name: str) -> Iterator[Setting]:
    """Yield the environment that the named application is built with, secrets masked."""
    config = system.config
    where = f"EVENTSOURCING[{config.alias!r}]"
    cls = system.class_of(name)
    layers: list[tuple[str, Mapping[str, str]]] = [
        ("os.environ", os.environ),
        (f"{where}['APPLICATIONS'][{name!r}]['ENV']", config.application(name).env),
        (f"{where}['ENV']", config.env),
        (f"{cls.__module__}.{cls.__qualname__}.env", cls.env),
        (DEFAULT, {"PERSISTENCE_MODULE": DJANGO_PERSISTENCE_MODULE}),
    ]
    prefix = f"{name.upper()}_"
    given = [key.removeprefix(prefix) for _, layer in layers[1:] for key in layer]
    # Those of other applications are told with them.
    others = tuple(f"{other.upper()}_" for other in system.names if other != name)
    keys = dict.fromkeys([*_OPEN, *_SECRET, *(key for key in given if not key.startswith(others))])
    for key in keys:
        for source, layer in layers:
            found = next((each for each in (f"{prefix}{key}", key) if each in layer), None)
            if found is not None:
                is_masked = key not in _OPEN
                yield Setting(
                    name=key,
                    value="" if is_masked else repr(layer[found]),
                    source=source if source == DEFAULT else f"{source}[{found!r}]",
                    is_masked=is_masked,
                )
                break


def _setting(name: str, value: Any, where: str, given: Mapping[str, Any]) -> Setting:
    source = f"{where}[{name!r}]" if name in given else DEFAULT
    return Setting(name=name, value=repr(value), source=source)


def _on_error(values: Mapping[str, Any], given: Mapping[str, Any], where: str) -> Iterator[Setting]:
    for name, value in values.items():
        source = f"{where}['ON_ERROR'][{name!r}]" if name in given else DEFAULT
        yield Setting(name=f"ON_ERROR[{name!r}]", value=repr(value), source=source)
