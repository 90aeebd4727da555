"""Fields: classes that are dataclasses without asking, and may ask nevertheless."""

import functools
import inspect
import sys
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar, get_origin

__all__ = [
    "GENERATED_INIT",
    "FieldsType",
    "annotates_fields",
    "default_factory_mark",
    "own_annotations",
    "signature_of",
]


class FieldsType(type):
    """
    Metaclass of classes that can be made dataclasses when they are defined.

    A decorator ``@dataclass`` above such a class then finds a dataclass already, whose
    ``field()`` calls have been replaced by plain defaults. Therefore what was done at definition
    is undone as soon as the decorator begins, and the decorator's own choices count.
    """

    def _make_fields(cls, **options: Any) -> None:
        try:
            cls._apply_dataclass(options)
        except TypeError:
            # A field without default cannot follow one with a default, unless as a keyword. A
            # decorator above may be about to ask for just that.
            cls._undo_fields(vars(cls)[_UNDO])
            cls._apply_dataclass({**options, "kw_only": True})

    def _apply_dataclass(cls, options: dict[str, Any]) -> None:
        before = dict(vars(cls))
        type.__setattr__(cls, _UNDO, None)
        decorate: Any = dataclass(**options)
        try:
            decorate(cls)
        finally:
            after = vars(cls)
            if "__init__" not in before and "__init__" in after:
                type.__setattr__(cls, GENERATED_INIT, after["__init__"])
            undo = {
                name: before.get(name, MISSING)
                for name in {*before, *after} - {_UNDO, GENERATED_INIT}
                if before.get(name, MISSING) is not after.get(name, MISSING)
            }
            type.__setattr__(cls, _UNDO, undo)

    def __setattr__(cls, name: str, value: Any) -> None:
        # This is the first attribute that @dataclass sets.
        if name == "__dataclass_params__":
            undo = vars(cls).get(_UNDO, {})
            if undo is not None:
                cls._undo_fields(undo)
                cls._before_explicit_dataclass()
        super().__setattr__(name, value)

    def _undo_fields(cls, undo: dict[str, Any]) -> None:
        for name, value in undo.items():
            if value is not MISSING:
                type.__setattr__(cls, name, value)
            elif name in vars(cls):
                type.__delattr__(cls, name)

    def _before_explicit_dataclass(cls) -> None:
        """Prepare for a decorator ``@dataclass``; here for subclasses."""

    def _lacks_fields(cls) -> bool:
        """Tell whether there are fields that the inherited ``__init__`` does not know."""
        inherited = getattr(cls, "__dataclass_fields__", {})
        return any(
            name not in inherited
            for base in cls.__mro__
            for name in vars(base).get("__dataclass_fields__", ())
        )


GENERATED_INIT = "__generated_init__"
"""Where a class keeps the ``__init__`` that merely assigns its fields, if it was given one."""
# What is undone by an explicit @dataclass: names with the values that they had, or lacked. While
# the class is made a dataclass at its definition, None.
_UNDO = "__undo_fields__"


@functools.cache
def default_factory_mark() -> Any:
    """Return what the signature of a dataclass shows as the default of a field with a factory."""

    @dataclass
    class Probe:
        value: list[Any] = field(default_factory=list)

    return inspect.signature(Probe).parameters["value"].default


def own_annotations(cls: type) -> dict[str, Any]:
    """Return the annotations in the body of the class, those of undefined names too."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return inspect.get_annotations(cls)


def annotates_fields(cls: type) -> bool:
    """Tell whether the body of the class annotates anything but class variables."""
    return any(not _is_class_variable(found) for found in own_annotations(cls).values())


def _is_class_variable(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.partition("[")[0].rpartition(".")[2] == "ClassVar"
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def signature_of(func: Any) -> inspect.Signature:
    """Return the signature, with annotations of undefined names too."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(func, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(func)
