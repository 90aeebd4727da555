"""Registry: the configured systems and their applications, built when first asked for."""

import os
from collections.abc import Iterator, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from django.core.signals import setting_changed
from django.dispatch import receiver

from django_eventsourcing.async_calls import aio
from django_eventsourcing.conf import SystemConfig, get_aliases, get_config
from django_eventsourcing.environments import model_labels, segment_env, system_env, uses_django
from django_eventsourcing.loading import load_system
from django_eventsourcing.problems import (
    ConfigurationError,
    NotConfiguredError,
    class_path,
    did_you_mean,
)
from django_eventsourcing.segments import Segment, follower_name, segments_of
from eventsourcing.application import Application
from eventsourcing.system import Follower, System

if TYPE_CHECKING:
    from django_eventsourcing.application_models import ApplicationModels

__all__ = [
    "ConfiguredSystem",
    "applications",
    "get_application",
    "get_system",
    "reset",
    "system_of",
    "systems",
]

TApplication = TypeVar("TApplication", bound=Application)


class ConfiguredSystem:
    """A system of the settings, with one instance of each of its applications in this process."""

    def __init__(self, config: SystemConfig, system: System | None = None) -> None:
        self.config = config
        self.system = load_system(config) if system is None else system
        self.names = list(self.system.nodes)
        """The names of the applications, in the order of the pipes."""
        self.runs = [s.name for name in self.system.followers for s in self.segments_of(name)]
        """The names under which followers are run: ``Counters[1/4]`` and so on where split."""
        self._env = system_env(config, self.system)
        self._built: dict[str, Application] = {}
        self._lock = RLock()

    def __repr__(self) -> str:
        return f"<ConfiguredSystem {self.alias!r}: {', '.join(self.names)}>"

    @property
    def alias(self) -> str:
        """The system's key in the setting."""
        return self.config.alias

    @property
    def applications(self) -> Mapping[str, Application]:
        """The applications by their names, built when first asked for."""
        return _SystemApplications(self)

    @property
    def built(self) -> Mapping[str, Application]:
        """Those of the applications that have been built so far."""
        return dict(self._built)

    @property
    def databases(self) -> list[str]:
        """The aliases of the databases that keep the applications' events, each once."""
        aliases = (self.database_of(name) for name in self.names if self.is_persisted(name))
        return list(dict.fromkeys(aliases))

    @overload
    def get(self, application: type[TApplication]) -> TApplication: ...
    @overload
    def get(self, application: str) -> Application: ...
    def get(self, application: type[Application] | str) -> Application:
        """
        Return the application of this class or name; raise ``ImproperlyConfigured``.

        The name of a segment gives the instance that processes for that segment alone.
        """
        if not self.has(application) and application not in self.runs:
            raise _no_application(application, [self])
        name = application if isinstance(application, str) else application.name
        # Reading the dict needs no lock; building needs one, so that each is built once.
        return self._built.get(name) or self._build(name)

    def has(self, application: type[Application] | str) -> bool:
        """Tell whether the system has this application."""
        if isinstance(application, str):
            return application in self.names
        return (
            application.name in self.names
            and self.system.get_app_cls(application.name) is application
        )

    def database_of(self, name: str) -> str:
        """Return the alias of the database that keeps the named application's events."""
        return self.config.database_of(self.application_of(name))

    def application_of(self, name: str) -> str:
        """Return the name of the application to which a segment of this name belongs."""
        return name if name in self.names else follower_name(name)

    def class_of(self, name: str) -> type[Application]:
        """Return the class of the named application, or of that of the named segment."""
        return self.system.get_app_cls(self.application_of(name))

    def upstreams_of(self, name: str) -> list[str]:
        """Return the names of the applications that the named follower, or segment, follows."""
        return list(self.system.follows[self.application_of(name)])

    def runs_of(self, name: str) -> list[str]:
        """Return the names under which the named application is run; its own, if it is not."""
        return [run for run in self.runs if self.application_of(run) == name] or [name]

    def segments_of(self, name: str) -> list[Segment]:
        """Return the segments of the named follower, as the settings have them."""
        return segments_of(name, self.config.application(name).segments)

    def new_segment(self, segment: Segment) -> Follower:
        """Build an instance that processes for the segment, whatever the settings say."""
        cls = self.system.runnable_cls(segment.follower)
        follower = cast(Follower, cls(env=segment_env(self._env, segment)))
        self._set_synchronous(follower)
        return follower

    def models_of(self, name: str) -> "ApplicationModels":
        """Return the models that keep the named application's records in Django's databases."""
        # Models cannot be imported before the apps are; this module can.
        from django_eventsourcing.application_models import resolve_models

        prefix = f"{self.application_of(name).upper()}_"
        labels = model_labels(lambda key: self._env.get(f"{prefix}{key}"))
        return resolve_models(labels, lambda kind: f"{prefix}DJANGO_{kind}_MODEL")

    def names_in(self, alias: str) -> list[str]:
        """Return the names of the applications that keep their events in the database."""
        return [n for n in self.names if self.is_persisted(n) and self.database_of(n) == alias]

    def is_persisted(self, name: str) -> bool:
        """Tell whether the named application keeps its events in a database of Django's."""
        return uses_django(self._env, self.application_of(name))

    def close(self) -> None:
        """Close the applications that have been built; they are built anew when asked for."""
        with self._lock:
            built = list(self._built.values())
            self._built.clear()
        for application in built:
            application.close()

    def _build(self, name: str) -> Application:
        with self._lock:
            if name not in self._built and name not in self.names:
                self._built[name] = self._build_segment(Segment.parse(name))
            elif name not in self._built:
                # The class is one that prompts, so that a runner in this process can be told.
                application = self.system.runnable_cls(name)(env=self._env)
                # Whatever its persistence: methods may use Django's models beside.
                application.to_async = aio
                self._set_synchronous(application)
                self._built[name] = application
            return self._built[name]

    def _set_synchronous(self, application: Application) -> None:
        """Let those of its followers process in its transactions that are set so."""
        from django_eventsourcing.recorders import DjangoApplicationRecorder, DjangoTrackingRecorder
        from django_eventsourcing.synchronous import SynchronousFollowers

        recorder = application.recorder
        followers = [
            name
            for name in self.system.followers
            if self.config.application(name).sync and application.name in self.upstreams_of(name)
        ]
        if followers and isinstance(recorder, DjangoApplicationRecorder):
            recorder.process_at_once = SynchronousFollowers(self, application, followers)
        if isinstance(recorder, DjangoTrackingRecorder):
            recorder.is_set_synchronous = self.config.application(application.name).sync

    def _build_segment(self, segment: Segment) -> Follower:
        from django_eventsourcing.recorders import DjangoTrackingRecorder

        follower = self.new_segment(segment)
        if isinstance(follower.recorder, DjangoTrackingRecorder):
            # Views wait for the follower as a whole.
            follower.recorder.shared_announcer = self.get(segment.follower).recorder.announcer
        return follower


def get_system(alias: str = "default") -> ConfiguredSystem:
    """Return the configured system; the same one each time, built at the first."""
    found = _registry.systems.get(alias)
    if found is not None:
        return found
    with _registry.lock:
        if alias not in _registry.systems:
            _registry.systems[alias] = ConfiguredSystem(get_config(alias))
        return _registry.systems[alias]


@overload
def get_application(application: type[TApplication]) -> TApplication: ...
@overload
def get_application(application: str) -> Application: ...
def get_application(application: type[Application] | str) -> Application:
    """
    Return this process's instance of an application of the configured systems.

    Raise ``ImproperlyConfigured`` if no configured system has it.
    """
    return system_of(application).get(application)


def system_of(application: type[Application] | str) -> ConfiguredSystem:
    """Return the configured system that has the application; raise ``ImproperlyConfigured``."""
    return _registry.owners.get(application) or _find_owner(application)


def reset() -> None:
    """Close all that has been built; settings are read anew when next asked for."""
    with _registry.lock:
        built = list(_registry.systems.values())
        _registry.forget()
    for system in built:
        system.close()


class _Systems(Mapping[str, ConfiguredSystem]):
    """The configured systems by their aliases."""

    def __getitem__(self, alias: str) -> ConfiguredSystem:
        return get_system(alias)

    def __iter__(self) -> Iterator[str]:
        return iter(get_aliases())

    def __len__(self) -> int:
        return len(get_aliases())


class _Applications(Mapping[str, Application]):
    """The applications of all configured systems by their names."""

    def __getitem__(self, name: str) -> Application:
        return get_application(name)

    def __iter__(self) -> Iterator[str]:
        return (name for system in systems.values() for name in system.names)

    def __len__(self) -> int:
        return sum(len(system.names) for system in systems.values())


class _SystemApplications(Mapping[str, Application]):
    """The applications of one system by their names."""

    def __init__(self, system: ConfiguredSystem) -> None:
        self._system = system

    def __getitem__(self, name: str) -> Application:
        return self._system.get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._system.names)

    def __len__(self) -> int:
        return len(self._system.names)


systems: Mapping[str, ConfiguredSystem] = _Systems()
applications: Mapping[str, Application] = _Applications()


class _Registry:
    """What has been built in this process."""

    def __init__(self) -> None:
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what was built, and the lock: in a forked child, other threads are gone."""
        self.lock = RLock()
        self.forget()

    def forget(self) -> None:
        self.systems: dict[str, ConfiguredSystem] = {}
        self.owners: dict[type[Application] | str, ConfiguredSystem] = {}


_registry = _Registry()

# A child must not use, nor close, the connections that its parent's applications hold.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_registry.start_anew)


@receiver(setting_changed)
def _reset_on_change(*, setting: str, **_: Any) -> None:
    if setting in ("EVENTSOURCING", "DATABASES"):
        reset()


def _find_owner(application: type[Application] | str) -> ConfiguredSystem:
    is_class = isinstance(application, type) and issubclass(application, Application)
    if not is_class and not isinstance(application, str):
        raise TypeError(
            f"{application!r} is not the class of an application, nor a name.  HINT: Give the "
            "class that a system of EVENTSOURCING has, or its name."
        )
    tried: list[ConfiguredSystem] = []
    faulty: ConfigurationError | None = None
    for alias in get_aliases():
        # One system's fault does not keep the applications of the others from being used.
        try:
            system = get_system(alias)
        except ConfigurationError as error:
            faulty = faulty or error
            continue
        if system.has(application):
            _registry.owners[application] = system
            return system
        tried.append(system)
    raise faulty or _no_application(application, tried)


def _no_application(
    application: type[Application] | str, tried: list[ConfiguredSystem]
) -> NotConfiguredError:
    if isinstance(application, str):
        names = [name for system in tried for name in system.names]
        return NotConfiguredError(
            f"There is no application {application!r} in the configured systems.",
            did_you_mean(application, names, "Their applications"),
        )
    have = "; ".join(f"{system.alias!r} has {', '.join(system.names)}" for system in tried)
    return NotConfiguredError(
        f"{class_path(application)} is not an application of a "
        f"configured system ({have or 'there is none'}).",
        "Add it to a pipe of a system in EVENTSOURCING, or ask for the class that is there.",
    )
