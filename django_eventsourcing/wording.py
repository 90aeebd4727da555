"""Wording: what is said in English, and in the language of whoever reads a page."""

from collections.abc import Mapping
from typing import Any

from django.utils import translation
from django.utils.formats import number_format

__all__ = ["Figure", "Wording", "Words", "for_reader"]


class Wording(str):
    """
    A text in English that can be said in other languages.

    Commands, monitors, logs and the database have the text as it is, whatever language is active;
    only ``for_reader()`` looks at that. What f-strings and ``join()`` make of it is plain text.
    """

    __slots__ = ()

    def for_reader(self) -> str:
        """Return the same in the language that is active."""
        return str.__str__(self)


class Words(Wording):
    """
    A phrase of the catalogue, with the values that fill its named places.

    The catalogue is made by a program that looks for ``gettext("…")`` and ``ngettext("…", "…")``:
    phrases are written out in the calls of these.
    """

    __slots__ = ("_number", "_phrases", "_values")

    _phrases: tuple[str, ...]
    _number: int
    _values: Mapping[str, Any]

    @classmethod
    def gettext(cls, phrase: str, /, **values: object) -> "Words":
        """Return the phrase, filled with the values, which may be wordings themselves."""
        return cls._made(phrase % values, (phrase,), 1, values)

    @classmethod
    def ngettext(cls, singular: str, plural: str, number: int, /, **values: object) -> "Words":
        """Return the phrase that suits the number, filled with the values."""
        phrase = singular if number == 1 else plural
        return cls._made(phrase % values, (singular, plural), number, values)

    @classmethod
    def _made(
        cls, text: str, phrases: tuple[str, ...], number: int, values: Mapping[str, Any]
    ) -> "Words":
        words = cls(text)
        words._phrases, words._number, words._values = phrases, number, values
        return words

    def for_reader(self) -> str:
        phrase = (
            translation.ngettext(*self._phrases, self._number)
            if len(self._phrases) == 2
            else translation.gettext(self._phrases[0])
        )
        return phrase % {
            name: for_reader(value) if isinstance(value, str) else value
            for name, value in self._values.items()
        }


class Figure(Wording):
    """A number with the separators of the language: ``12,300`` in English; ``mark`` follows it."""

    __slots__ = ("_digits", "_mark", "_number")

    _number: float
    _digits: int
    _mark: str

    @classmethod
    def of(cls, number: float, *, digits: int = 0, mark: str = "") -> "Figure":
        """Return the number with so many digits after the point."""
        figure = cls(f"{number:,.{digits}f}{mark}")
        figure._number, figure._digits, figure._mark = number, digits, mark
        return figure

    def for_reader(self) -> str:
        # Rounded as in English: Django would cut the rest off.
        number = round(self._number, self._digits)
        return f"{number_format(number, self._digits, force_grouping=True)}{self._mark}"


def for_reader(text: str) -> str:
    """Return the text in the language that is active, if it is a wording; else as it is."""
    return text.for_reader() if isinstance(text, Wording) else text
