"""Writes the pages of names in docs/reference from the docstrings; ``--check`` compares."""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import django
from django.conf import settings

REFERENCE = Path(__file__).resolve().parent.parent / "docs" / "reference"
OURS = ("eventsourcing", "django_eventsourcing")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of names."""

    file: str
    head: str
    modules: Mapping[str, Sequence[str]]
    """The names to describe, by modules; where there are none, all that are public."""

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return REFERENCE / self.file

    def text(self) -> str:
        """Return the whole page."""
        parts = (line for name, public in self.modules.items() for line in _module(name, public))
        return "\n".join([self.head, *parts])


CORE = Page(
    file="api.md",
    head="""# The core, name by name

Made from the docstrings by `python scripts/make_reference.py`; a test compares. Each name is
imported from the module that it stands under.
""",
    modules={
        "eventsourcing.domain": (),
        "eventsourcing.application": (),
        "eventsourcing.persistence": (),
        "eventsourcing.system": (),
        "eventsourcing.projection": (),
        "eventsourcing.dispatch": (),
        "eventsourcing.topics": (),
        "eventsourcing.environment": (),
        "eventsourcing.retrying": (),
        "eventsourcing.interface": (),
        "eventsourcing.popo": (),
        "eventsourcing.cipher": (),
        "eventsourcing.compressor": (),
    },
)

DJANGO = Page(
    file="django.md",
    head="""# The Django app, name by name

Made from the docstrings by `python scripts/make_reference.py`; a test compares. Each name is
imported from the module that it stands under.
""",
    modules={
        "django_eventsourcing": (),
        "django_eventsourcing.registry": ("ConfiguredSystem",),
        "django_eventsourcing.projections": (),
        "django_eventsourcing.reading_own_writes": (
            "NotCommittedError",
            "ReadYourWritesMiddleware",
            "Writes",
        ),
        "django_eventsourcing.shortcuts": (),
        "django_eventsourcing.generic": (),
        "django_eventsourcing.error_responses": (),
        "django_eventsourcing.middleware": (),
        "django_eventsourcing.metadata": (
            "EventReference",
            "MetadataError",
            "MetadataSizeError",
            "ProcessedEvent",
        ),
        "django_eventsourcing.signals": (),
        "django_eventsourcing.runners": (),
        "django_eventsourcing.dead_letters": (
            "DeadLetterError",
            "NotFirstError",
            "NotNextError",
            "NotParkedError",
            "Retried",
            "count_parked",
            "discard",
            "retry",
            "skip",
        ),
        "django_eventsourcing.models": (
            "AbstractSnapshot",
            "AbstractStoredEvent",
            "AbstractTracking",
            "SnapshotRecord",
            "StoredEventRecord",
            "TrackingRecord",
        ),
        "django_eventsourcing.querysets": (),
        "django_eventsourcing.fields": ("ExactCharField",),
        "django_eventsourcing.operations": ("AddCommitOrder", "AddCorrelationIndex"),
        "django_eventsourcing.recorders": ("DjangoTrackingRecorder",),
        "django_eventsourcing.recorders.errors": ("UncommittedUpstreamError",),
        "django_eventsourcing.databases": ("DatabaseNotReadyError", "require_ready"),
        "django_eventsourcing.progress": ("ProgressLog", "format_rate"),
    },
)

PAGES = (CORE, DJANGO)


def _module(name: str, names: Sequence[str]) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"## `{name}`\n\n{_text(inspect.getdoc(module))}\n"
    described = _documented(_tree(name).body)
    for public in sorted(names or module.__all__, key=str.lower):
        value = getattr(module, public)
        if isinstance(value, type):
            yield from _class(public, value)
        elif inspect.isfunction(value):
            yield f"### `{public}{_signature(value)}`\n\n{_text(inspect.getdoc(value))}\n"
        elif public in described:
            yield f"### `{public}`\n\n{_text(described[public])}\n"
        elif _is_ours(type(value)):
            yield f"### `{public}`\n\n{_text(inspect.getdoc(value))}\n"


def _class(name: str, cls: type[Any]) -> Iterator[str]:
    bases = ", ".join(
        base.__name__ for base in cls.__bases__ if base not in (object, BaseException)
    )
    title = f"{name}({bases})" if bases else name
    yield f"### `{title}`\n\n{_text(inspect.getdoc(cls))}\n"
    attributes = _attributes(cls)
    members = [_member(key, value) for key, value in vars(cls).items() if not key.startswith("_")]
    lines = [f"- `{key}`: {_first_line(text)}" for key, text in attributes.items()]
    lines += [line for line in members if line]
    if lines:
        yield "\n".join(lines) + "\n"


def _member(name: str, value: Any) -> str:
    func = getattr(value, "__func__", getattr(value, "func", value))
    if isinstance(value, property | cached_property):
        shown = name
        func = value.fget if isinstance(value, property) else value.func
    elif inspect.isfunction(func):
        shown = f"{name}{_signature(func)}"
    else:
        return ""
    if not _is_ours(func):
        # Django gives methods to models.
        return ""
    text = inspect.getdoc(func) or ""
    return f"- `{shown}`: {_first_line(text)}" if text else f"- `{shown}`"


def _attributes(cls: type[Any]) -> dict[str, str]:
    """Return what is said of the values that stand in the body of the class."""
    classes = (node for node in ast.walk(_tree(cls.__module__)) if isinstance(node, ast.ClassDef))
    return next((_documented(node.body) for node in classes if node.name == cls.__name__), {})


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


def _documented(body: Sequence[ast.stmt]) -> dict[str, str]:
    """Return the strings that stand below values, by the names of the values."""
    found = {}
    for each, after in pairwise(body):
        target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", None)
        is_public = isinstance(target, ast.Name) and not target.id.startswith("_")
        if is_public and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[target.id] = inspect.cleandoc(str(after.value.value))
    return found


def _is_ours(value: Any) -> bool:
    return value.__module__.partition(".")[0] in OURS


def _signature(func: Any) -> str:
    parameters = []
    star = False
    for parameter in inspect.signature(func).parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            parameters.append("*")
        star = star or parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        parameters.append(str(parameter.replace(annotation=parameter.empty)))
    # A function as a default is shown with its address, which differs from run to run.
    return re.sub(r"<function (\S+) at 0x\w+>", r"\1", f"({', '.join(parameters)})")


def _text(doc: str | None) -> str:
    return (doc or "").replace("``", "`")


def _first_line(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def main() -> int:
    """Write the pages, or compare them."""
    settings.configure(INSTALLED_APPS=["django_eventsourcing"])
    django.setup()
    if "--check" not in sys.argv:
        for page in PAGES:
            page.path.write_text(page.text(), encoding="utf-8")
        return 0
    stale = [page for page in PAGES if page.path.read_text(encoding="utf-8") != page.text()]
    for page in stale:
        sys.stderr.write(f"{page.file} is not what the docstrings say. Run {sys.argv[0]}.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
