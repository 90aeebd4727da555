"""Writes docs/reference/api.md from the docstrings of the public names; ``--check`` compares."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "api.md"

MODULES = (
    "eventsourcing.domain",
    "eventsourcing.application",
    "eventsourcing.persistence",
    "eventsourcing.system",
    "eventsourcing.projection",
    "eventsourcing.dispatch",
    "eventsourcing.topics",
    "eventsourcing.environment",
    "eventsourcing.retrying",
    "eventsourcing.interface",
    "eventsourcing.popo",
    "eventsourcing.cipher",
    "eventsourcing.compressor",
)

HEAD = """# The core, name by name

Made from the docstrings by `python scripts/make_reference.py`; a test compares. Each name is
imported from the module that it stands under.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(line for name in MODULES for line in _module(name))])


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    yield f"## `{name}`\n\n{_text(module)}\n"
    for public in sorted(module.__all__, key=str.lower):
        value = getattr(module, public)
        if isinstance(value, type):
            yield from _class(public, value)
        elif inspect.isfunction(value):
            yield f"### `{public}{_signature(value)}`\n\n{_text(value)}\n"


def _class(name: str, cls: type[Any]) -> Iterator[str]:
    bases = ", ".join(
        base.__name__ for base in cls.__bases__ if base not in (object, BaseException)
    )
    title = f"{name}({bases})" if bases else name
    yield f"### `{title}`\n\n{_text(cls)}\n"
    members = [_member(key, value) for key, value in vars(cls).items() if not key.startswith("_")]
    lines = [line for line in members if line]
    if lines:
        yield "\n".join(lines) + "\n"


def _member(name: str, value: Any) -> str:
    func = getattr(value, "__func__", getattr(value, "func", value))
    if isinstance(value, property):
        shown = name
        func = value.fget
    elif inspect.isfunction(func):
        shown = f"{name}{_signature(func)}"
    else:
        return ""
    text = inspect.getdoc(func) or ""
    return f"- `{shown}`: {_first_line(text)}" if text else f"- `{shown}`"


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


def _text(obj: Any) -> str:
    return (inspect.getdoc(obj) or "").replace("``", "`")


def _first_line(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ").replace("``", "`")


def main() -> int:
    """Write the page, or compare it."""
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") == page():
            return 0
        sys.stderr.write(f"{PAGE.name} is not what the docstrings say. Run {sys.argv[0]}.\n")
        return 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
