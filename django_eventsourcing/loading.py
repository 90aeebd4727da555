"""Loading: from the dotted paths in the settings to a ``System`` and its runner class."""

from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from django_eventsourcing.conf import SystemConfig
from django_eventsourcing.problems import ConfigurationError, Problem, did_you_mean, one_line

if TYPE_CHECKING:
    from django_eventsourcing.runners.base import SystemRunner
    from eventsourcing.application import Application
    from eventsourcing.system import System

__all__ = ["load_runner_class", "load_system"]

# The core is imported where it is used: the system checks that tell of a damaged installation
# must run without it.


def load_system(config: SystemConfig) -> "System":
    """Import or build the system that the configuration names, or raise ``ConfigurationError``."""
    system = _named_system(config) if config.system else _piped_system(config)
    for name in config.applications:
        if name not in system.nodes:
            raise ConfigurationError.of(
                "E009",
                f"EVENTSOURCING[{config.alias!r}]['APPLICATIONS'] has settings for {name!r}, "
                "which is not in the system.",
                did_you_mean(name, system.nodes, "Its applications"),
            )
    _check_models(config)
    _check_prefixes(config, system)
    _check_names(config, system)
    return system


def load_runner_class(config: SystemConfig) -> "type[SystemRunner]":
    """Import the runner class that the configuration names, or raise ``ConfigurationError``."""
    from django_eventsourcing.runners.base import SystemRunner

    where = f"EVENTSOURCING[{config.alias!r}]['RUNNER']"
    found = _import(config.runner, where, "Give the dotted path of a SystemRunner class.")
    if not (isinstance(found, type) and issubclass(found, SystemRunner)):
        raise ConfigurationError.of(
            "E007",
            f"{where} is {config.runner!r}, which is not a SystemRunner class.",
            "Give the dotted path of a subclass of django_eventsourcing.runners.SystemRunner.",
        )
    return found


def _check_models(config: SystemConfig) -> None:
    from django_eventsourcing.application_models import resolve_models

    problems: list[Problem] = []
    for name, application in config.applications.items():
        where = f"EVENTSOURCING[{config.alias!r}]['APPLICATIONS'][{name!r}]['MODELS']"
        try:
            resolve_models(application.models, partial("{}[{!r}]".format, where))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)


def _check_prefixes(config: SystemConfig, system: "System") -> None:
    seen: dict[str, str] = {}
    for name in system.nodes:
        other = seen.setdefault(name.upper(), name)
        if other != name:
            raise ConfigurationError.of(
                "E005",
                f"EVENTSOURCING[{config.alias!r}] has two applications whose names differ by case "
                f"alone: {other!r} and {name!r}.",
                "Set the class attribute 'name' of one of them: the keys of an environment begin "
                "with the name in capitals.",
            )


def _check_names(config: SystemConfig, system: "System") -> None:
    from django_eventsourcing.environments import system_env, uses_django
    from django_eventsourcing.models import StoredEventRecord
    from django_eventsourcing.recorders.values import checked_text
    from eventsourcing.persistence import DataError

    env = system_env(config, system)
    for name in system.nodes:
        if uses_django(env, name):
            try:
                checked_text(StoredEventRecord, "application_name", name)
            except DataError as error:
                raise ConfigurationError.of(
                    "E018",
                    f"EVENTSOURCING[{config.alias!r}] has an application whose name cannot be kept "
                    f"with its events: {one_line(error).rstrip('.')}.",
                    "Set the class attribute 'name' to another name.",
                ) from error


def _named_system(config: SystemConfig) -> "System":
    from eventsourcing.system import System

    where = f"EVENTSOURCING[{config.alias!r}]['SYSTEM']"
    path = config.system or ""
    found = _import(path, where, "Give the dotted path of a System.")
    if callable(found) and not isinstance(found, (System, type)):
        try:
            found = found()
        except Exception as error:
            raise ConfigurationError.of(
                "E007",
                f"{where} is {path!r}, and calling it failed: {_reason(error)}.",
                "Give the dotted path of a System, or of a callable that returns one.",
            ) from error
    if not isinstance(found, System):
        raise ConfigurationError.of(
            "E007",
            f"{where} is {path!r}, which is not a System but {_described(found)}.",
            "Give the dotted path of a System, or of a callable that returns one.",
        )
    return found


def _piped_system(config: SystemConfig) -> "System":
    from eventsourcing.system import System

    where = f"EVENTSOURCING[{config.alias!r}]['PIPES']"
    pipes = [[_application(path, where) for path in pipe] for pipe in config.pipes or ()]
    paths: dict[str, type[Application]] = {}
    for cls in (cls for pipe in pipes for cls in pipe):
        if paths.setdefault(cls.name, cls) is not cls:
            raise ConfigurationError.of(
                "E005",
                f"{where} has two applications named {cls.name!r}: "
                f"{_path(paths[cls.name])} and {_path(cls)}.",
                "Set the class attribute 'name' of one of them: events are kept by that name.",
            )
    try:
        return System(pipes=pipes)
    except TypeError as error:
        raise ConfigurationError.of(
            "E007",
            f"{where} cannot be joined into a System: {_reason(error)}.",
            "A pipe leads from an Application to Followers; in the middle stand "
            "ProcessApplications.",
        ) from error


def _application(path: str, where: str) -> "type[Application]":
    from eventsourcing.application import Application

    hint = "Give the dotted paths of application classes."
    found = _import(path, where, hint, verb="has")
    if not (isinstance(found, type) and issubclass(found, Application)):
        raise ConfigurationError.of(
            "E007",
            f"{where} has {path!r}, which is not an Application but {_described(found)}.",
            hint,
        )
    return found


def _import(path: str, where: str, hint: str, verb: str = "is") -> Any:
    try:
        return import_string(path)
    except Exception as error:
        if "INSTALLED_APPS" in str(error):
            hint = "Add the app to INSTALLED_APPS."
        elif not isinstance(error, ImportError):
            hint = f"Mend what {path.rpartition('.')[0]} does when it is imported."
        raise ConfigurationError.of(
            "E002", f"{where} {verb} {path!r}, which cannot be imported: {_reason(error)}.", hint
        ) from error


def _reason(error: Exception) -> str:
    text = one_line(error).rstrip(".")
    return text if isinstance(error, ImportError) else f"{type(error).__name__}: {text}"


def _described(found: Any) -> str:
    return (
        f"the class {_path(found)}"
        if isinstance(found, type)
        else f"of type {type(found).__name__}"
    )


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
