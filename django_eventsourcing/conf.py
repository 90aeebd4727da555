"""Settings: ``EVENTSOURCING`` is read here, when it is needed, and nowhere else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from django.conf import settings

from django_eventsourcing.problems import (
    ConfigurationError,
    NotConfiguredError,
    Problem,
    did_you_mean,
)
from django_eventsourcing.segments import MOST_SEGMENTS

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
    "get_environment_label",
    "get_token",
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
    then: Literal["stop", "park", "skip"] = "stop"
    """
    What is done after the last try: the follower stops there; or it sets the notification aside,
    with later ones of the same aggregate; or it goes on as if it were not there, on record.
    """
    circuit: int = 20
    """How many are parked or skipped in a row, without a success between, before it pauses."""


@dataclass(frozen=True, kw_only=True)
class RunnerOptions:
    """How a system is run."""

    batch_size: int = 500
    """How many notifications a follower that is behind processes in one transaction, at most."""
    poll_interval: float = 0.5
    """Seconds between two looks for events that other processes have recorded."""
    listen: Literal["auto"] | bool = "auto"
    """Whether to hear of them by LISTEN; ``"auto"``: on the databases of which one can."""
    run_in_runserver: bool = False
    """Whether the development server runs the followers, too."""
    rebuild: Literal["manual", "shadow"] = "manual"
    """Whether a rebuild that is due, as a projection has another version, is left to operators."""
    on_error: ErrorPolicy = field(default_factory=ErrorPolicy)


@dataclass(frozen=True, kw_only=True)
class ApplicationConfig:
    """What is set for one application of a system."""

    database: str | None = None
    """The database alias, where it is not the system's."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    """Labels of the application's own models, by EVENT, SNAPSHOT and TRACKING."""
    on_error: Mapping[str, Any] = field(default_factory=dict)
    """What is other than in the system's ``ErrorPolicy``, by the names of its fields."""
    segments: int = 1
    """Into how many parts the follower is split, by aggregates."""
    rebuild: Literal["manual", "shadow"] | None = None
    """What is done when a rebuild is due, where it is other than in the system."""
    sync: bool = False
    """Whether the follower processes within the transactions that record."""


@dataclass(frozen=True, kw_only=True)
class SystemConfig:
    """What is set for one system: either ``system`` or ``pipes`` says what it consists of."""

    alias: str
    system: str | None = None
    """The dotted path of a ``System``, or of a callable that returns one."""
    pipes: tuple[tuple[str, ...], ...] | None = None
    """The dotted paths of application classes, as rows of leaders and their followers."""
    database: str = "default"
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    applications: Mapping[str, ApplicationConfig] = field(default_factory=dict)
    commit_order: Literal["shared", "exclusive"] = "shared"
    """Whether transactions that record events, on PostgreSQL, go on together or one by one."""
    runner: str = DEFAULT_RUNNER
    """The dotted path of a runner class."""
    options: RunnerOptions = field(default_factory=RunnerOptions)

    def application(self, name: str) -> ApplicationConfig:
        """Return what is set for the named application, which may be nothing."""
        return self.applications.get(name) or ApplicationConfig()

    def on_error_of(self, name: str, options: RunnerOptions | None = None) -> ErrorPolicy:
        """Return what happens when the named follower fails, where the system has the options."""
        options = options or self.options
        return replace(options.on_error, **self.application(name).on_error)

    def rebuild_of(self, name: str) -> Literal["manual", "shadow"]:
        """Return what is done when a rebuild of the named projection is due."""
        return self.application(name).rebuild or self.options.rebuild

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
    reader.token()
    reader.environment_label()
    return reader.problems


def get_token() -> str | None:
    """Return the token by which others may see how systems are doing; ``None`` if there is none."""
    reader = _Reader()
    token = reader.token()
    return None if reader.problems else token


def get_environment_label() -> str:
    """Return the word by which pages say where one is, as ``production``; empty if none is set."""
    return _Reader().environment_label()


_SHORTEST_TOKEN = 16
_LONGEST_LABEL = 40
_SYSTEM_KEYS = (
    "SYSTEM",
    "PIPES",
    "DATABASE",
    "ENV",
    "APPLICATIONS",
    "COMMIT_ORDER",
    "RUNNER",
    "OPTIONS",
)
_APPLICATION_KEYS = ("DATABASE", "ENV", "MODELS", "ON_ERROR", "REBUILD", "SEGMENTS", "SYNC")
_OPTION_KEYS = (
    "BATCH_SIZE",
    "POLL_INTERVAL",
    "LISTEN",
    "RUN_IN_RUNSERVER",
    "REBUILD",
    "ON_ERROR",
)
_ON_ERROR_KEYS = ("retries", "backoff", "then", "circuit")
# What would be set by an environment, if it were not for the checks of the setting meant for it.
_SET_ELSEWHERE = {
    "DJANGO_DB_ALIAS": "Name the database of a system, or of an application, by DATABASE.",
    **{
        f"DJANGO_{kind}_MODEL": f"Name it in APPLICATIONS, by {kind} in the application's MODELS."
        for kind in MODEL_KINDS
    },
    "DJANGO_NOTIFY": "Set LISTEN in the OPTIONS of the system.",
    "DJANGO_SEGMENTS": "Set SEGMENTS of the follower in APPLICATIONS.",
    "DJANGO_SEGMENT": "Set SEGMENTS of the follower in APPLICATIONS.",
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

    def token(self) -> str | None:
        token = getattr(settings, "EVENTSOURCING_TOKEN", None)
        if token is None or (isinstance(token, str) and len(token) >= _SHORTEST_TOKEN):
            return token
        # It is a secret, even if it is a poor one.
        is_short = isinstance(token, str)
        self.report(
            "E006",
            f"EVENTSOURCING_TOKEN {'is too short' if is_short else 'is no str'}: nobody gets in "
            "by it.",
            f"Give a str of {_SHORTEST_TOKEN} characters or more that cannot be guessed, as "
            "secrets.token_urlsafe() makes them; or remove it.",
        )
        return None

    def environment_label(self) -> str:
        label = getattr(settings, "EVENTSOURCING_ENVIRONMENT", "")
        if isinstance(label, str) and len(label) <= _LONGEST_LABEL:
            return label.strip()
        self.wrong(
            "EVENTSOURCING_ENVIRONMENT", label, f"a str of up to {_LONGEST_LABEL} characters"
        )
        return ""

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
            commit_order=self.commit_order(value, where),
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
                on_error=self.on_error(item, f"{where}[{name!r}]"),
                segments=self.segments(item, f"{where}[{name!r}]"),
                rebuild=self.rebuild(item, f"{where}[{name!r}]"),
                sync=self.switch(item, "SYNC", f"{where}[{name!r}]"),
            )
            for name, item in applications.items()
            if self.keys(item, f"{where}[{name!r}]", _APPLICATION_KEYS)
        }

    def segments(self, value: dict[str, Any], where: str) -> int:
        number = value.get("SEGMENTS", 1)
        if _is_int(number) and 1 <= number <= MOST_SEGMENTS:
            return int(number)
        self.wrong(f"{where}['SEGMENTS']", number, f"a whole number from 1 to {MOST_SEGMENTS}")
        return 1

    def rebuild(self, value: dict[str, Any], where: str) -> Literal["manual", "shadow"] | None:
        given = value.get("REBUILD")
        if given in (None, "manual", "shadow"):
            return cast("Literal['manual', 'shadow'] | None", given)
        self.wrong(f"{where}['REBUILD']", given, "'manual' or 'shadow'")
        return None

    def commit_order(self, value: dict[str, Any], where: str) -> Literal["shared", "exclusive"]:
        order = value.get("COMMIT_ORDER", "shared")
        if order in ("shared", "exclusive"):
            return cast("Literal['shared', 'exclusive']", order)
        self.wrong(f"{where}['COMMIT_ORDER']", order, "'shared' or 'exclusive'")
        return "shared"

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
        listen = options.get("LISTEN", default.listen)
        if listen != "auto" and not isinstance(listen, bool):
            self.wrong(f"{where}['LISTEN']", listen, "'auto', True or False")
        return RunnerOptions(
            batch_size=batch_size,
            poll_interval=poll_interval,
            listen=listen,
            run_in_runserver=self.switch(options, "RUN_IN_RUNSERVER", where),
            rebuild=self.rebuild(options, where) or default.rebuild,
            on_error=replace(default.on_error, **self.on_error(options, where)),
        )

    def switch(self, options: dict[str, Any], key: str, where: str) -> bool:
        value = options.get(key, False)
        if not isinstance(value, bool):
            self.wrong(f"{where}[{key!r}]", value, "True or False")
            return False
        return value

    def on_error(self, value: dict[str, Any], where: str) -> dict[str, Any]:
        """Return what is given, for those fields of an ``ErrorPolicy`` for which something is."""
        where = f"{where}['ON_ERROR']"
        given = value.get("ON_ERROR", {})
        if not self.keys(given, where, _ON_ERROR_KEYS):
            return {}
        for key, (is_right, expected) in _ON_ERROR_VALUES.items():
            if key in given and not is_right(given[key]):
                self.wrong(f"{where}[{key!r}]", given[key], expected)
        values = {key: given[key] for key in _ON_ERROR_KEYS if key in given}
        if _is_list(values.get("backoff")):
            values["backoff"] = tuple(values["backoff"])
        return values

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
            tell = self.wrong if isinstance(env, dict) else self.wrong_kind
            tell(where, env, "a dict of str by str")
            return {}
        for key, item in env.items():
            if not isinstance(item, str):
                self.wrong_kind(
                    f"{where}[{key!r}]", item, "a str: values are those of an environment"
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
            if key not in known:
                self.report(
                    "E001",
                    f"{where} has the unknown key {key!r}.",
                    did_you_mean(key, known, "Known keys"),
                )
        return True

    def wrong(self, where: str, value: Any, expected: str) -> None:
        shown = _shown(value)
        if len(shown) > 60:
            shown = f"{shown[:57]} …"
        self.report("E006", f"{where} is {shown}.", f"Give {expected}.")

    def wrong_kind(self, where: str, value: Any, expected: str) -> None:
        # The value may be a secret: its type is enough to find the fault.
        self.report("E006", f"{where} is of type {type(value).__name__}.", f"Give {expected}.")


def _shown(value: Any) -> str:
    """Return the value as code, but for what a dict holds: that may be an environment."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: …' for key in value)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return repr(value)


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


_ON_ERROR_VALUES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "retries": (lambda value: _is_int(value) and value >= 0, "a whole number from 0"),
    "backoff": (
        lambda value: _is_list(value) and len(value) > 0 and all(map(_is_seconds, value)),
        f"a list of numbers of seconds, up to {LONGEST_WAIT}",
    ),
    "then": (lambda value: value in ("stop", "park", "skip"), "'stop', 'park' or 'skip'"),
    "circuit": (lambda value: _is_int(value) and value >= 1, "a whole number from 1"),
}
