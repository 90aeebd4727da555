"""Faultless: the systems of the settings that checks can look at; the rest is told of elsewhere."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django_eventsourcing.conf import SystemConfig, get_aliases, get_config
from django_eventsourcing.problems import ConfigurationError

if TYPE_CHECKING:
    from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["faultless_configs", "faultless_systems"]


def faultless_configs() -> Iterator[SystemConfig]:
    """Yield the configurations that can be read."""
    try:
        aliases = get_aliases()
    except ConfigurationError:
        return
    for alias in aliases:
        try:
            yield get_config(alias)
        except ConfigurationError:
            continue


def faultless_systems() -> "Iterator[ConfiguredSystem]":
    """Yield the systems that can be loaded."""
    # The core may be damaged, and the checks that tell of it import this module.
    from django_eventsourcing.registry import ConfiguredSystem

    for config in faultless_configs():
        try:
            yield ConfiguredSystem(config)
        except ConfigurationError:
            continue
