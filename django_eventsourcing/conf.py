"""Settings: ``EVENTSOURCING`` is read here, when it is needed, and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.conf import settings

from django_eventsourcing.problems import (
    ConfigurationError,
    NotConfiguredError,
    Problem,
    did_you_mean,
)

__all__ = [
    "DEFAULT_RUNNER",
    "LONGEST_WAIT",
    "MODEL_KINDS",
    "ApplicationConfig",
    "ErrorPolicy",
    "RunnerOptions",
    "SystemConfig",
    "find_problems",
    "get_aliases",
    "get_config",
]

MODEL_KINDS = ("EVENT", "SNAPSHOT", "TRACKING")
"""What an application may have models of its own for."""
DEFAULT_RUNNER = "django_eventsourcing.runners.ThreadedRunner"
LONGEST_WAIT = 86_400
"""The most seconds that a setting or an option may give to wait: a day."""


@dataclass(frozen=True, kw_only=True)
class ErrorPolicy:
    """What happens when a follower's policy fails on a notification."""

    retries: int = 5
    """How many times it is tried again."""
    backoff: tuple[float, ...] = (1, 2, 5, 15, 60)
    """Seconds to wait before each of these tries; the last one serves for all that follow."""
    then: Literal["stop"] = "stop"
    """What is done after the last try: the follower stops, and the others go on."""


@dataclass(frozen=True, kw_only=True)
class RunnerOptions:
    """How a system is run."""

    batch_size: int = 100
    """How many notifications a follower that is behind processes in one transaction, at most."""
    poll_interval: float = 0.5
    """Seconds between two looks for events that other processes have recorded."""
    on_error: ErrorPolicy = field(default_factory=ErrorPolicy)


@dataclass(frozen=True, kw_only=True)
class ApplicationConfig:
    """What is set for one application of a system."""

    database: str | None = None
    """The database alias, where it is not the system's."""
    env: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    """Labels of the application's own models, by EVENT, SNAPSHOT and TRACKING."""


@dataclass(frozen=True, kw_only=True)
class SystemConfig:
    """What is set for one system: either ``system`` or ``pipes`` says what it consists of."""

    alias: str
    system: str | None = None
    """The dotted path of a ``System``, or of a callable that returns one."""
    pipes: tuple[tuple[str, ...], ...] | None = None
    """The dotted paths of application classes, as rows of leaders and their followers."""
    database: str = "default"
    env: Mapping[str, str] = field(default_factory=dict)
    applications: Mapping[str, ApplicationConfig] = field(default_factory=dict)
    runner: str = DEFAULT_RUNNER
    """The dotted path of a runner class."""
    options: RunnerOptions = field(default_factory=RunnerOptions)

    def application(self, name: str) -> ApplicationConfig:
        """Return what is set for the named application, which may be nothing."""
        return self.applications.get(name) or ApplicationConfig()

    def database_of(self, name: str) -> str:
        """Return the database alias of the named application."""
        return self.application(name).database or self.database


def get_config(alias: str = "default") -> SystemConfig:
    """Return the configuration of one system; raise ``ImproperlyConfigured`` if it has faults."""
    reader = _Reader()
    systems = reader.systems()
    if not reader.problems and alias not in systems:
        raise NotConfiguredError(
            f"There is no system {alias!r} in EVENTSOURCING.",
            did_you_mean(alias, systems, "Configured systems")
            if hasattr(settings, "EVENTSOURCING")
            else "The settings have no EVENTSOURCING: add it, and mind the spelling.",
        )
    config = reader.system(alias, systems[alias]) if not reader.problems else None
    if config is None:
        raise ConfigurationError(reader.problems)
    return config


def get_aliases() -> list[str]:
    """Return the aliases of the configured systems, in the order of the setting."""
    reader = _Reader()
    aliases = list(reader.systems())
    if reader.problems:
        raise ConfigurationError(reader.problems)
    return aliases


def find_problems() -> list[Problem]:
    """Return all that is wrong with the setting itself; nothing that it names is imported."""
    reader = _Reader()
    for alias, value in reader.systems().items():
        reader.system(alias, value)
    return reader.problems


_SYSTEM_KEYS = ("SYSTEM", "PIPES", "DATABASE", "ENV", "APPLICATIONS", "RUNNER", "OPTIONS")
_APPLICATION_KEYS = ("DATABASE", "ENV", "MODELS")
_OPTION_KEYS = ("BATCH_SIZE", "POLL_INTERVAL", "ON_ERROR")
_ON_ERROR_KEYS = ("retries", "backoff", "then")
_NOT_YET_SUPPORTED = ("SYNC", "SEGMENTS", "LISTEN")
# What would be set by an environment, if it were not for the checks of the setting meant for it.
_SET_ELSEWHERE = {
    "DJANGO_DB_ALIAS": "Name the database of a system, or of an application, by DATABASE.",
    **{
        f"DJANGO_{kind}_MODEL": f"Name it in APPLICATIONS, by {kind} in the application's MODELS."
        for kind in MODEL_KINDS
    },
}


class _Reader:
    """Turns the setting into values, and collects what is wrong with it on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def report(self, code: str, message: str, hint: str) -> None:
        self.problems.append(Problem(id=code, message=message, hint=hint))

    def systems(self) -> dict[str, Any]:
        value = getattr(settings, "EVENTSOURCING", {})
        if not isinstance(value, dict) or not all(isinstance(alias, str) for alias in value):
            self.wrong("EVENTSOURCING", value, "a dict of systems by their aliases")
            return {}
        keys = [key for key in value if key in _SYSTEM_KEYS]
        if keys:
            self.report(
                "E001",
                f"EVENTSOURCING has the key {keys[0]!r}, which belongs to a system.",
                "Put the settings of a system under an alias: "
                f"EVENTSOURCING = {{'default': {{{keys[0]!r}: …}}}}.",
            )
            return {}
        return value

    def system(self, alias: str, value: Any) -> SystemConfig | None:
        before = len(self.problems)
        where = f"EVENTSOURCING[{alias!r}]"
        if not self.keys(value, where, _SYSTEM_KEYS):
            return None
        config = SystemConfig(
            alias=alias,
            system=self.path(value, "SYSTEM", where),
            pipes=self.pipes(value, where),
            database=self.database(value, where) or "default",
            env=self.env(value, where),
            applications=self.applications(value, where),
            runner=self.path(value, "RUNNER", where) or DEFAULT_RUNNER,
            options=self.options(value, where),
        )
        if len(self.problems) == before:
            self.one_of_two(value, where)
        return config if len(self.problems) == before else None

    def one_of_two(self, value: dict[str, Any], where: str) -> None:
        given = [key for key in ("SYSTEM", "PIPES") if value.get(key) is not None]
        if len(given) != 1:
            what = "both SYSTEM and PIPES" if given else "neither SYSTEM nor PIPES"
            self.report(
                "E003",
                f"{where} has {what}.",
                "Give exactly one of the two: SYSTEM, the dotted path of a System, or PIPES, "
                "lists of the dotted paths of application classes.",
            )

    def pipes(self, value: dict[str, Any], where: str) -> tuple[tuple[str, ...], ...] | None:
        pipes = value.get("PIPES")
        if pipes is None:
            return None
        if not (
            _is_list(pipes)
            and pipes
            and all(
                _is_list(pipe) and pipe and all(_is_text(path) for path in pipe) for pipe in pipes
            )
        ):
            self.wrong(
                f"{where}['PIPES']", pipes, "a list of lists of dotted paths of application classes"
            )
            return None
        return tuple(tuple(pipe) for pipe in pipes)

    def applications(self, value: dict[str, Any], where: str) -> dict[str, ApplicationConfig]:
        where = f"{where}['APPLICATIONS']"
        applications = value.get("APPLICATIONS", {})
        if not isinstance(applications, dict) or not all(map(_is_text, applications)):
            self.wrong(where, applications, "a dict of settings by the names of applications")
            return {}
        return {
            name: ApplicationConfig(
                database=self.database(item, f"{where}[{name!r}]"),
                env=self.env(item, f"{where}[{name!r}]"),
                models=self.models(item, f"{where}[{name!r}]['MODELS']"),
            )
            for name, item in applications.items()
            if self.keys(item, f"{where}[{name!r}]", _APPLICATION_KEYS)
        }

    def models(self, value: dict[str, Any], where: str) -> dict[str, str]:
        models = value.get("MODELS", {})
        if not self.keys(models, where, MODEL_KINDS):
            return {}
        for kind, label in models.items():
            if kind in MODEL_KINDS and not _is_text(label):
                self.wrong(f"{where}[{kind!r}]", label, "the label of a model: 'app.Model'")
        return dict(models)

    def options(self, value: dict[str, Any], where: str) -> RunnerOptions:
        where = f"{where}['OPTIONS']"
        options = value.get("OPTIONS", {})
        if not self.keys(options, where, _OPTION_KEYS):
            return RunnerOptions()
        default = RunnerOptions()
        batch_size = options.get("BATCH_SIZE", default.batch_size)
        if not _is_int(batch_size) or batch_size < 1:
            self.wrong(f"{where}['BATCH_SIZE']", batch_size, "a whole number from 1")
        poll_interval = options.get("POLL_INTERVAL", default.poll_interval)
        if not (_is_seconds(poll_interval) and poll_interval > 0):
            self.wrong(
                f"{where}['POLL_INTERVAL']",
                poll_interval,
                f"a number of seconds above 0, up to {LONGEST_WAIT}",
            )
        return RunnerOptions(
            batch_size=batch_size,
            poll_interval=poll_interval,
            on_error=self.on_error(options, where),
        )

    def on_error(self, options: dict[str, Any], where: str) -> ErrorPolicy:
        where = f"{where}['ON_ERROR']"
        value = options.get("ON_ERROR", {})
        if not self.keys(value, where, _ON_ERROR_KEYS):
            return ErrorPolicy()
        default = ErrorPolicy()
        retries = value.get("retries", default.retries)
        if not _is_int(retries) or retries < 0:
            self.wrong(f"{where}['retries']", retries, "a whole number from 0")
        backoff = value.get("backoff", default.backoff)
        if not (_is_list(backoff) and backoff and all(map(_is_seconds, backoff))):
            self.wrong(
                f"{where}['backoff']",
                backoff,
                f"a list of numbers of seconds, up to {LONGEST_WAIT}",
            )
            backoff = default.backoff
        then = value.get("then", default.then)
        if then in ("park", "skip"):
            self.not_supported(f"{where}['then'] is {then!r}", "Use 'stop'.")
        elif then != "stop":
            self.wrong(f"{where}['then']", then, "'stop'")
        return ErrorPolicy(retries=retries, backoff=tuple(backoff))

    def database(self, value: dict[str, Any], where: str) -> str | None:
        alias = value.get("DATABASE")
        if alias is None:
            return None
        if not _is_text(alias):
            self.wrong(f"{where}['DATABASE']", alias, "the alias of a database")
            return None
        if alias not in settings.DATABASES:
            self.report(
                "E004",
                f"{where}['DATABASE'] is {alias!r}, which is not in DATABASES.",
                did_you_mean(alias, settings.DATABASES, "Known aliases"),
            )
        return str(alias)

    def env(self, value: dict[str, Any], where: str) -> dict[str, str]:
        where = f"{where}['ENV']"
        env = value.get("ENV", {})
        if not isinstance(env, dict) or not all(map(_is_text, env)):
            self.wrong(where, env, "a dict of str by str")
            return {}
        for key, item in env.items():
            if not isinstance(item, str):
                # The value may be a secret: its type is enough to find the fault.
                self.report(
                    "E006",
                    f"{where}[{key!r}] is of type {type(item).__name__}.",
                    "Give a str: values are those of an environment.",
                )
            for name, hint in _SET_ELSEWHERE.items():
                if key == name or key.endswith(f"_{name}"):
                    self.report("E006", f"{where} has the key {key!r}.", hint)
        return dict(env)

    def path(self, value: dict[str, Any], key: str, where: str) -> str | None:
        path = value.get(key)
        if path is None or _is_text(path):
            return path
        self.wrong(f"{where}[{key!r}]", path, "a dotted path, as a str")
        return None

    def keys(self, value: Any, where: str, known: Sequence[str]) -> bool:
        """Report unknown keys; tell whether the value is a dict at all."""
        if not isinstance(value, dict):
            self.wrong(where, value, f"a dict with keys of: {', '.join(known)}")
            return False
        for key in value:
            if key in _NOT_YET_SUPPORTED:
                self.not_supported(f"{where} has the key {key!r}", "Remove it.")
            elif key not in known:
                self.report(
                    "E001",
                    f"{where} has the unknown key {key!r}.",
                    did_you_mean(key, known, "Known keys"),
                )
        return True

    def wrong(self, where: str, value: Any, expected: str) -> None:
        shown = repr(value)
        if len(shown) > 60:
            shown = f"{shown[:57]} …"
        self.report("E006", f"{where} is {shown}.", f"Give {expected}.")

    def not_supported(self, what: str, hint: str) -> None:
        self.report("E008", f"{what}, which is not supported in this version.", hint)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    # Neither an infinite number nor one that is not a number is between the two.
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= LONGEST_WAIT
