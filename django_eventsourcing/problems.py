"""Problems: what is wrong with a project's settings, told alike by checks and by exceptions."""

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from django.core.exceptions import ImproperlyConfigured

__all__ = [
    "ConfigurationError",
    "NotConfiguredError",
    "Problem",
    "class_path",
    "described",
    "did_you_mean",
    "one_line",
    "storable",
    "trace_of",
]

LONGEST_ERROR = 2_000
"""Characters of an error's text that are kept."""
LONGEST_TRACEBACK = 20_000
"""Characters of a traceback that are kept: the last ones, which name the error."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong, and the remedy."""

    id: str
    """The stable id of the system check, without the app label: ``E001``; empty if none has it."""
    message: str
    hint: str

    @property
    def check_id(self) -> str:
        """The id as Django shows it."""
        return f"django_eventsourcing.{self.id}"

    def __str__(self) -> str:
        suffix = f" ({self.check_id})" if self.id else ""
        return f"{self.message}  HINT: {self.hint}{suffix}"


class ConfigurationError(ImproperlyConfigured):
    """The settings cannot be used; the text is that of the first problem, in one line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        more = len(self.problems) - 1
        text = str(self.problems[0])
        super().__init__(f"{text} (and {more} more: run manage.py check)" if more else text)

    @classmethod
    def of(cls, code: str, message: str, hint: str) -> "ConfigurationError":
        """Return the error of one problem, whose check has the id ``code``."""
        return ConfigurationError([Problem(id=code, message=message, hint=hint)])


class NotConfiguredError(ConfigurationError, KeyError):
    """A system or an application is asked for that the settings do not have."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__([Problem(id="", message=message, hint=hint)])

    def __str__(self) -> str:
        return str(self.args[0])


def class_path(cls: type) -> str:
    """Return the class's name as it is imported: ``module.Class``."""
    return f"{cls.__module__}.{cls.__qualname__}"


def one_line(error: BaseException) -> str:
    """Return the text of an error without its line breaks."""
    return " ".join(str(error).split())


def described(error: BaseException) -> str:
    """Return the error's class and text in one line, as it can be kept, whatever it holds."""
    try:
        text = one_line(error)
    except Exception as second:  # noqa: BLE001 - whatever a project's exception raises
        text = f"its text cannot be told, which raises {type(second).__name__}"
    name = type(error).__name__
    return storable(f"{name}: {text}" if text else name)[:LONGEST_ERROR]


def trace_of(error: BaseException) -> str:
    """Return the end of the error's traceback, as it can be kept."""
    text = storable("".join(traceback.format_exception(error)))
    return text if len(text) <= LONGEST_TRACEBACK else f"…{text[1 - LONGEST_TRACEBACK :]}"


def storable(text: str) -> str:
    """Return the text with what databases refuse written as escapes."""
    return text.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


def did_you_mean(word: object, known: Iterable[str], label: str = "Known") -> str:
    """Return a hint that names the known word most like the given one, or all of them."""
    names = sorted(known)
    close = get_close_matches(str(word).upper(), [name.upper() for name in names], n=1, cutoff=0.6)
    for name in names:
        if close and name.upper() == close[0]:
            return f"Did you mean {name!r}?"
    return f"{label}: {', '.join(names) or 'none'}."
