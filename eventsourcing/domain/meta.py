"""The metaclass of aggregates: a definition defines event classes, a call triggers an event."""

# In a metaclass, the first argument is a class.
# ruff: noqa: N804, N805, PYI034

import inspect
from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

from eventsourcing.domain.body import Body, Decorators
from eventsourcing.domain.commands import ProjectionMethod, make_command
from eventsourcing.domain.created import CreatedEvent, no_created_event
from eventsourcing.domain.definition import (
    Definition,
    create_id_parameters,
    init_parameters,
)
from eventsourcing.domain.errors import ProgrammingError
from eventsourcing.domain.event_classes import EventClasses
from eventsourcing.domain.explicit_topics import register_explicit_topics
from eventsourcing.domain.fields import FieldsType, annotates_fields, own_annotations
from eventsourcing.domain.mutation import CanMutateAggregate
from eventsourcing.topics import renew_topic

__all__ = ["MetaAggregate"]

_T = TypeVar("_T")


if TYPE_CHECKING:

    class _DefinedEvent(CanMutateAggregate[Any]):
        def __init__(self, **kwargs: Any) -> None: ...
        def __getattr__(self, name: str) -> Any: ...


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class MetaAggregate(FieldsType):
    """Metaclass of aggregates."""

    __definition__: Definition

    if TYPE_CHECKING:
        # Type checkers do not see the classes that are defined for decorated methods.
        def __getattr__(cls, name: str) -> type[_DefinedEvent]: ...

    @classmethod
    def __prepare__(mcs, name: str, bases: tuple[type, ...], /, **kwargs: Any) -> Body:
        return Body()

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        created_event_name: str | None = None,
        **kwargs: Any,
    ) -> "MetaAggregate":
        if any(isinstance(base, MetaAggregate) for base in bases):
            _check_body(namespace.get("__qualname__", name), namespace)
        cls = super().__new__(mcs, name, bases, dict(namespace), **kwargs)
        decorators = Decorators(cls, namespace)
        if decorators.init is not None:
            cls.__init__ = decorators.init.func  # type: ignore[misc]
        cls._make_aggregate_fields(namespace)
        cls.__definition__ = _define(cls, namespace, decorators, created_event_name)
        return cls

    def __init__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(name, bases, namespace)
        renew_topic(cls)

    def __call__(cls: type[_T], *args: Any, **kwargs: Any) -> _T:
        """Trigger the event that makes an aggregate, and return the aggregate."""
        definition: Definition = cls.__definition__  # type: ignore[attr-defined]
        if definition.created is None:
            raise no_created_event(cls, definition)
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError(f"{cls.__qualname__}() takes no arguments")
        values = definition.init.bind(args, kwargs)
        made: _T = cls._make(definition.created, values.pop("id", None), values)  # type: ignore[attr-defined]
        return made

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "__init__":
            cls._init_has_changed()

    @property
    def __signature__(cls) -> inspect.Signature:
        init = init_parameters(cls)
        return inspect.Signature([*init.all, *init.any_name])

    def _make_aggregate_fields(cls, body: dict[str, Any]) -> None:
        # A class that @aggregate makes anew may be a dataclass already.
        if "__dataclass_fields__" in body:
            return
        if not annotates_fields(cls) and not cls._lacks_fields():
            return
        if "id" in own_annotations(cls):
            # Without this, the property that is inherited counts as the default.
            type.__setattr__(cls, "id", field())
        cls._make_fields(init="__init__" not in vars(cls), eq=False, repr=False)

    def _before_explicit_dataclass(cls) -> None:
        # Aggregates compare as aggregates: @dataclass leaves alone what the class has itself.
        for name in ("__eq__", "__hash__", "__repr__"):
            type.__setattr__(cls, name, getattr(cls, name))
        cls._init_has_changed()

    def _init_has_changed(cls) -> None:
        if "__definition__" in vars(cls):
            cls.__definition__ = replace(cls.__definition__, init=init_parameters(cls))


def _check_body(name: str, body: Mapping[str, Any]) -> None:
    if "id" in body:
        raise ProgrammingError(
            f"Setting attribute 'id' on class '{name}' is not allowed: it is where an aggregate "
            f"keeps its id. Define create_id(), or annotate 'id: UUID' without a value."
        )
    if body.get("__slots__"):
        raise ProgrammingError(
            f"{name} has __slots__, but events and snapshots need all that an aggregate holds in "
            f"its __dict__. Remove __slots__, or slots=True."
        )
    create_id = body.get("create_id")
    if create_id is not None and not isinstance(create_id, staticmethod | classmethod):
        raise TypeError(
            f"{name}.create_id() must be a static method or a class method: it is called before "
            f"there is an aggregate."
        )


def _define(
    cls: MetaAggregate,
    body: Mapping[str, Any],
    decorators: Decorators,
    created_event_name: str | None,
) -> Definition:
    inherited = [base.__definition__ for base in cls.__mro__[1:] if isinstance(base, MetaAggregate)]
    definition = Definition(init=init_parameters(cls), create_id=create_id_parameters(cls))
    if inherited:
        definition = replace(
            next(each for each in inherited if not each.copies_created),
            init=definition.init,
            create_id=definition.create_id,
        )
    classes = EventClasses(cls, body)
    classes.define_nested(decorators.by_class())
    _define_commands(cls, classes, decorators)
    definition = CreatedEvent(classes, definition).choose(decorators.init, created_event_name)
    has_topic = isinstance(vars(cls).get("TOPIC"), str)
    if has_topic:
        register_explicit_topics(cls, classes.own)
    return replace(definition, has_explicit_topics=has_topic, copies=frozenset(classes.copies))


def _is_aggregate(value: Any) -> bool:
    return isinstance(type(value), MetaAggregate)


def _triggers_plainly(cls: type[Any]) -> bool:
    """Tell whether aggregates of the class trigger events as all do, and keep them likewise."""
    # The last of them: one that overrides all that is asked about would otherwise be taken for it.
    base = next(each for each in reversed(cls.__mro__) if "_trigger" in vars(each))
    return not cls.__definition__.has_explicit_topics and all(
        getattr(cls, name) is vars(base).get(name)
        for name in ("_trigger", "version", "modified_on", "pending_events")
    )


def _define_commands(cls: MetaAggregate, classes: EventClasses, decorators: Decorators) -> None:
    commands = {}
    for decorator in decorators:
        event_class = classes.define_for(decorator)
        commands[decorator] = make_command(
            decorator.func,
            event_class,
            event_class.decorated_method,
            _is_aggregate,
            _triggers_plainly,
        )
    for name, decorator in decorators.methods.items():
        setattr(cls, name, commands[decorator])
    for name, (prop, decorator) in decorators.setters.items():
        setattr(cls, name, property(prop.fget, commands[decorator], prop.fdel, prop.__doc__))
    if decorators.projections:
        cls._ = ProjectionMethod()
