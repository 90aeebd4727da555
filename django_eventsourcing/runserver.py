"""Tells whether this process is a development server that is to carry followers."""

import os
import sys
from collections.abc import Mapping, Sequence

from django.utils.autoreload import DJANGO_AUTORELOAD_ENV

from django_eventsourcing.conf import get_aliases, get_config
from django_eventsourcing.problems import ConfigurationError

__all__ = ["carry", "is_serving"]


def carry() -> None:
    """
    Run the followers of systems that are set so, if this process is a development server.

    Called before the apps are ready; nothing is built until they are.
    """
    if not is_serving(sys.argv, os.environ):
        return
    try:
        aliases = [a for a in get_aliases() if get_config(a).options.run_in_runserver]
    except ConfigurationError:
        # The server's checks tell.
        return
    if not aliases:
        return
    try:
        # Imported here, in the thread that imports the project: modules that import each other
        # in a circle can fail when a second thread begins at another point of it.
        from django_eventsourcing import carrying
    except ImportError:
        # A damaged installation, of which the server's checks tell.
        return
    for alias in aliases:
        carrying.start(alias)


def is_serving(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Tell whether this is the process of ``runserver`` that answers, not one that watches it."""
    is_reloaders_child = environ.get(DJANGO_AUTORELOAD_ENV) == "true"
    return "runserver" in arguments[1:2] and (is_reloaders_child or "--noreload" in arguments)
