"""The created event: which class a call of an aggregate's class triggers."""

from dataclasses import replace

from eventsourcing.domain.decorator import CommandMethodDecorator
from eventsourcing.domain.definition import Definition, EventClass
from eventsourcing.domain.event_classes import EventClasses
from eventsourcing.domain.mutation import CanInitAggregate

__all__ = ["CreatedEvent", "no_created_event"]


class CreatedEvent:
    """Chooses, and where there is none defines, the class of an aggregate's created event."""

    def __init__(self, classes: EventClasses, definition: Definition) -> None:
        self.classes = classes
        self.inherited = definition
        """The definition as far as it is known, with what is inherited."""
        self.candidates = {
            name: found
            for name, found in classes.own.items()
            if issubclass(found, CanInitAggregate)
        }

    def choose(
        self, decorator: CommandMethodDecorator | None, created_event_name: str | None
    ) -> Definition:
        """Return the definition with the class that is chosen, or without a choice."""
        has_own_init = "__init__" in vars(self.classes.cls)
        alternatives: tuple[str, ...] = ()
        created: EventClass | None = None
        if decorator is not None:
            created = self._decorated(decorator, created_event_name)
        elif created_event_name is not None:
            created = self._named(created_event_name)
        elif self.candidates:
            created = self._only_candidate()
            alternatives = () if created else tuple(self.candidates)
        elif has_own_init and self.inherited.created_root is not None:
            created = self._made("Created")
        if created is None and not alternatives:
            return self._inherit()
        self.classes.define_inherited(except_for=self.inherited.created)
        root = self.inherited.created_root
        if root is None or (created in self.candidates.values() and not has_own_init):
            root = created
        return replace(
            self.inherited, created=created, created_alternatives=alternatives, created_root=root
        )

    def _inherit(self) -> Definition:
        self.classes.define_inherited(except_for=None)
        successors = self.classes.successors
        created = self.inherited.created
        if created is not None:
            created = successors.get(created, created)
        return replace(self.inherited, created=created)

    def _only_candidate(self) -> EventClass | None:
        if len(self.candidates) == 1:
            return next(iter(self.candidates.values()))
        return self.candidates.get("Created")

    def _decorated(
        self, decorator: CommandMethodDecorator, created_event_name: str | None
    ) -> EventClass:
        cls = self.classes.cls
        if created_event_name is not None:
            raise TypeError(
                f"{cls.__qualname__} has both created_event_name='{created_event_name}' and "
                f"@event on __init__. Use one of them."
            )
        spec = decorator.event_spec
        if spec is None or isinstance(spec, str):
            return self._made(decorator.event_name(), decorator.topic)
        if spec in self.classes.successors:
            return self.classes.successors[spec]
        if spec in self.candidates.values():
            return spec
        return self.classes.define_successor(spec.__name__, spec)

    def _named(self, name: str) -> EventClass:
        if name not in self.classes.own:
            return self._made(name)
        if name not in self.candidates:
            raise TypeError(
                f"{self.classes.cls.__qualname__} has created_event_name='{name}', but {name} is "
                f"not a 'created' event class. Inherit AggregateCreated, or give another name."
            )
        return self.candidates[name]

    def _made(self, name: str, topic: str | None = None) -> EventClass:
        cls = self.classes.cls
        self.classes.required_event()
        root = self.inherited.created_root
        if root is None:
            raise TypeError(
                f"Base event class 'Created' not defined on {cls.__qualname__} or its bases. "
                f"Define it, or inherit Aggregate."
            )
        return self.classes.define_created(name, root, self.inherited.init, topic)


def no_created_event(cls: type, definition: Definition) -> TypeError:
    """Return the error that the class cannot be called, and why."""
    if definition.created_alternatives:
        names = ", ".join(f"'{name}'" for name in definition.created_alternatives)
        return TypeError(
            f"{cls.__qualname__} can't decide which of many 'created' event classes to use: "
            f"{names}. Please use class arg 'created_event_name' or @event decorator on "
            f"__init__ method."
        )
    return TypeError(
        f"{cls.__qualname__} has no 'created' event class, so it can't be called. "
        f"Define one, or inherit Aggregate."
    )
