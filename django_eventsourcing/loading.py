"""Loading: from the dotted paths in the settings to a ``System`` and its runner class."""

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from django.utils.module_loading import import_string

from django_eventsourcing.conf import SystemConfig
from django_eventsourcing.problems import (
    ConfigurationError,
    Problem,
    class_path,
    did_you_mean,
    one_line,
)
from django_eventsourcing.segments import Segment, segments_of

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
    _check_on_error(config, system)
    _check_segments(config, system)
    _check_synchronous(config, system)
    _check_rebuild(config, system)
    _check_projections(system)
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


def _check_on_error(config: SystemConfig, system: "System") -> None:
    from django_eventsourcing.environments import system_env, uses_django

    env = system_env(config, system)
    for name in system.followers:
        then = config.on_error_of(name).then
        if then != "stop" and not uses_django(env, name):
            raise ConfigurationError.of(
                "E021",
                f"EVENTSOURCING[{config.alias!r}] lets {name} {then} what fails, and keeps it in "
                "memory, where nothing can be set aside.",
                f"Set 'then' to 'stop' in ['APPLICATIONS'][{name!r}]['ON_ERROR'], or keep {name} "
                "in a database.",
            )


def _check_segments(config: SystemConfig, system: "System") -> None:
    from django_eventsourcing.environments import system_env, uses_django
    from django_eventsourcing.models import TrackingRecord
    from django_eventsourcing.recorders.values import checked_text
    from eventsourcing.persistence import DataError

    env = system_env(config, system)
    for name, application in config.applications.items():
        if application.segments == 1:
            continue
        fault, hint = "", f"Remove SEGMENTS from ['APPLICATIONS'][{name!r}]."
        if name not in system.followers:
            fault = "which follows nothing: only followers have segments"
        elif not uses_django(env, name):
            fault = "and keeps it in memory, where nothing is shared between workers"
        else:
            last = segments_of(name, application.segments)[-1].name
            try:
                checked_text(TrackingRecord, "application_name", last)
            except DataError as error:
                fault = f"whose names cannot be kept: {one_line(error).rstrip('.')}"
                hint = f"Set the class attribute 'name' of {name[:20]}… to a shorter name."
        if fault:
            raise ConfigurationError.of(
                "E022",
                f"EVENTSOURCING[{config.alias!r}] splits {name} into "
                f"{application.segments} segments, {fault}.",
                hint,
            )


def _check_synchronous(config: SystemConfig, system: "System") -> None:
    for name, application in config.applications.items():
        fault = _fault_of_synchronous(config, system, name) if application.sync else ""
        if fault:
            raise ConfigurationError.of(
                "E026",
                f"EVENTSOURCING[{config.alias!r}] sets SYNC for {name}, {fault}.",
                f"Remove SYNC from ['APPLICATIONS'][{name!r}], or what contradicts it.",
            )


def _fault_of_synchronous(config: SystemConfig, system: "System", name: str) -> str:
    from django_eventsourcing.environments import system_env, uses_django
    from django_eventsourcing.models import TrackingRecord
    from django_eventsourcing.recorders.values import checked_text
    from eventsourcing.persistence import DataError

    if name not in system.followers:
        return "which follows nothing: only followers can be synchronous"
    application, env = config.application(name), system_env(config, system)
    if application.segments > 1:
        return f"and splits it into {application.segments} segments, which is for workers"
    if application.on_error:
        return "and ON_ERROR, too: what it raises goes to whoever records, who records nothing then"
    for each in [name, *system.follows[name]]:
        if not uses_django(env, each):
            return f"and keeps {each} in memory, where there are no transactions"
    for upstream in system.follows[name]:
        if config.database_of(upstream) != config.database_of(name):
            return (
                f"whose database is {config.database_of(name)!r}, and that of {upstream} "
                f"{config.database_of(upstream)!r}: they do not commit together"
            )
    circle = _circle_of(config, system, name)
    if circle:
        return f"which would call itself without end: {' -> '.join(circle)}"
    try:
        checked_text(TrackingRecord, "application_name", Segment.synchronous(name).name)
    except DataError as error:
        return f"whose name leaves no room for that of its position: {one_line(error).rstrip('.')}"
    return ""


def _circle_of(config: SystemConfig, system: "System", name: str) -> list[str]:
    """Return the way from the follower back to itself, over synchronous ones alone."""
    pending = [[name]]
    passed: set[str] = set()
    while pending:
        way = pending.pop()
        for follower in system.leads.get(way[-1], ()):
            if not config.application(follower).sync:
                continue
            if follower == name:
                return [*way, name]
            if follower not in passed:
                passed.add(follower)
                pending.append([*way, follower])
    return []


def _check_rebuild(config: SystemConfig, system: "System") -> None:
    from django_eventsourcing.projections import ModelProjection

    for name, application in config.applications.items():
        if application.rebuild and not issubclass(system.get_app_cls(name), ModelProjection):
            raise ConfigurationError.of(
                "E025",
                f"EVENTSOURCING[{config.alias!r}] has REBUILD for {name}, which is no model "
                "projection: there is nothing that could be rebuilt.",
                f"Remove REBUILD from ['APPLICATIONS'][{name!r}], or derive {name} from "
                "ModelProjection.",
            )


def _check_projections(system: "System") -> None:
    from django.db.models import Model

    from django_eventsourcing.projections import ModelProjection

    for name in system.followers:
        cls = system.get_app_cls(name)
        if not issubclass(cls, ModelProjection):
            continue
        models, version = cast(object, cls.models), cast(object, cls.version)
        if not isinstance(models, list | tuple) or not all(
            isinstance(each, type) and issubclass(each, Model) for each in models
        ):
            raise ConfigurationError.of(
                "E006",
                f"{name} has models = {models!r}, and it is a model projection.",
                "Give a list of the classes of the models that it writes: models = [TrickCount].",
            )
        if type(version) is not int or version < 1:
            raise ConfigurationError.of(
                "E006",
                f"{name} has version = {version!r}, and it is a model projection.",
                "Give a whole number from 1.",
            )


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
                f"{class_path(paths[cls.name])} and {class_path(cls)}.",
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
    module = path.rpartition(".")[0]
    try:
        # import_string() would take an AttributeError in the module for a name that it lacks.
        if module:
            import_module(module)
        return import_string(path)
    except Exception as error:
        if "INSTALLED_APPS" in str(error):
            hint = "Add the app to INSTALLED_APPS."
        elif not isinstance(error, ImportError):
            hint = f"Mend what {module} does when it is imported."
        raise ConfigurationError.of(
            "E002", f"{where} {verb} {path!r}, which cannot be imported: {_reason(error)}.", hint
        ) from error


def _reason(error: Exception) -> str:
    text = one_line(error).rstrip(".")
    return text if isinstance(error, ImportError) else f"{type(error).__name__}: {text}"


def _described(found: Any) -> str:
    return (
        f"the class {class_path(found)}"
        if isinstance(found, type)
        else f"of type {type(found).__name__}"
    )
