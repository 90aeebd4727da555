"""State: the values of an event by name, and the event that is made of them again."""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from inspect import ismemberdescriptor
from typing import Any, Self

from eventsourcing.domain.fields import GENERATED_INIT

__all__ = [
    "HasState",
    "Shape",
    "constructed",
    "event_from_state",
    "event_state",
    "made_without_constructor",
    "shape_of",
    "values_of",
]


class HasState:
    """Gives a class of events its values by name, and makes its events of them again."""

    def _as_dict(self) -> dict[str, Any]:
        """
        Return the event's values by name, in a dictionary that the caller may change.

        Override it, and ``_from_dict()``, where the values are not kept as attributes.
        """
        return values_of(self)

    @classmethod
    def _from_dict(cls, state: dict[str, Any]) -> Self:
        """
        Return the event that has the values by name, as ``_as_dict()`` gave them.

        It has happened already: the constructor, which checks and completes new events, is passed
        over. Override it where instances cannot be made in this way.
        """
        made: Self = made_without_constructor(cls, state)
        return made


class Shape:
    """What the instances of a class hold, and where: found out once for each class."""

    __slots__ = (
        "fields",
        "has_plain_constructor",
        "has_plain_state",
        "is_plain",
        "make",
        "names",
        "slots",
    )

    def __init__(self, cls: type[Any]) -> None:
        self.fields = tuple(_field_names(cls))
        """The fields of a dataclass that an instance holds itself."""
        self.names = frozenset(self.fields)
        self.slots = frozenset(
            name
            for base in cls.__mro__
            for name, value in vars(base).items()
            if ismemberdescriptor(value) and ismemberdescriptor(getattr(cls, name))
        )
        """What an instance holds in slots."""
        self.is_plain = not self.slots and bool(cls.__dictoffset__)
        """Whether all that an instance holds is in its ``__dict__``."""
        generated: object = getattr(cls, GENERATED_INIT, None)
        makes: object = cls.__new__
        self.has_plain_constructor = (
            self.is_plain
            and vars(cls).get("__init__", getattr(cls, "__init__", None)) is generated
            and makes is object.__new__
            and type(cls).__call__ is type.__call__
            and all(field.init for field in fields(cls))
        )
        """Whether the constructor does no more than to assign its arguments to all fields."""
        self.has_plain_state = (
            self.has_plain_constructor and getattr(cls, "_as_dict", None) is HasState._as_dict
        )
        """Whether the ``__dict__`` of an event has all its values, and nothing else."""
        self.make = self._maker(cls)
        """Makes an event of its values, in a dictionary that the event may keep."""

    def _maker(self, cls: type[Any]) -> Callable[[dict[str, Any]], Any]:
        from_dict: Any = getattr(cls, "_from_dict", None)
        if from_dict is None:
            return lambda state: made_without_constructor(cls, state)
        is_own = getattr(from_dict, "__func__", None) is not vars(HasState)["_from_dict"].__func__
        if is_own or not self.is_plain:
            made: Callable[[dict[str, Any]], Any] = from_dict
            return made
        names, new, set_attribute = self.names, object.__new__, object.__setattr__

        def make(state: dict[str, Any]) -> Any:
            if not names <= state.keys():
                return made_without_constructor(cls, state)
            event = new(cls)
            set_attribute(event, "__dict__", state)
            return event

        return make


_shapes: dict[type[Any], Shape] = {}


def shape_of(cls: type[Any]) -> Shape:
    """Return the shape of a class, which is to be complete: it is looked at once."""
    found = _shapes.get(cls)
    if found is None:
        found = _shapes[cls] = Shape(cls)
    return found


def constructed(cls: type[Any], values: dict[str, Any]) -> Any:
    """
    Return a new instance of an event's class, as its constructor makes it of keyword arguments.

    It may keep the dictionary.
    """
    shape = shape_of(cls)
    # The names are compared in order, too: it is the order in which they are written.
    if not shape.has_plain_constructor or tuple(values) != shape.fields:
        return cls(**values)
    made = object.__new__(cls)
    object.__setattr__(made, "__dict__", values)
    post_init = getattr(made, "__post_init__", None)
    if post_init is not None:
        post_init()
    return made


def event_state(event: Any) -> dict[str, Any]:
    """Return the event's values by name, in a dictionary that the caller may change."""
    as_dict = getattr(event, "_as_dict", None)
    return values_of(event) if as_dict is None else dict(as_dict())


def event_from_state(cls: Any, state: dict[str, Any]) -> Any:
    """
    Return the event of the class that has the values of the state, which it may keep.

    The class says how, by ``_from_dict()``. For one that does not, such as a plain dataclass, it
    is done without the constructor.
    """
    return shape_of(cls).make(state)


def values_of(obj: Any) -> dict[str, Any]:
    """Return what an object holds, by name; fields of a dataclass may be in slots."""
    values = dict(getattr(obj, "__dict__", ()))
    shape = shape_of(type(obj))
    if not shape.names <= values.keys():
        for name in shape.fields:
            if name not in values:
                values[name] = getattr(obj, name)
    return values


def made_without_constructor(cls: type[Any], state: dict[str, Any]) -> Any:
    """
    Return an instance that has the values of the state as its attributes.

    It may keep the dictionary. Raise ``ValueError`` if the state lacks a field.
    """
    # The constructor is for new events: it would check, and default, what happened long ago.
    shape = shape_of(cls)
    if not shape.names <= state.keys():
        missing = ", ".join(sorted(shape.names - state.keys()))
        raise ValueError(f"the state lacks {missing}")
    made = object.__new__(cls)
    if shape.is_plain:
        object.__setattr__(made, "__dict__", state)
        return made
    attributes = getattr(made, "__dict__", None)
    for name, value in state.items():
        if attributes is None or name in shape.slots:
            object.__setattr__(made, name, value)
        else:
            attributes[name] = value
    return made


def _field_names(cls: type[Any]) -> list[str]:
    """Return the fields of a dataclass that an instance holds itself."""
    if not is_dataclass(cls):
        return []
    return [f.name for f in fields(cls) if f.init or f.default is MISSING]
