"""Systems: which application follows which."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from eventsourcing.application import Application, ProgrammingError
from eventsourcing.system.follower import Follower
from eventsourcing.system.leader import Leader
from eventsourcing.system.process_application import ProcessApplication
from eventsourcing.topics import get_topic

__all__ = ["System"]


class System:
    """
    A set of applications, joined by pipes.

    A pipe is a sequence of application classes, each of which follows the one before it. A pipe of
    one application adds that application alone. A system holds classes only: any number of
    runners may run it.
    """

    def __init__(self, pipes: Iterable[Sequence[type[Application]]]) -> None:
        self.pipes = [_checked(pipe) for pipe in pipes]
        self.nodes: dict[str, str] = {}
        """The topics of the application classes, by application name."""
        self.edges: list[tuple[str, str]] = []
        """Pairs of the names of a leader and its follower, in the order of the pipes."""
        self.follows: dict[str, list[str]] = defaultdict(list)
        """The names of the applications that an application follows."""
        self.leads: dict[str, list[str]] = defaultdict(list)
        """The names of the applications that follow an application."""
        self._classes: dict[str, type[Application]] = {}
        for pipe in self.pipes:
            for app_class in pipe:
                self._add_node(app_class)
            for leader, follower in pairwise(pipe):
                self._add_edge(leader.name, follower.name)
        self._check_classes()

    @property
    def topic(self) -> str:
        """
        The topic of the system, as ``module:name``.

        Raise ``ProgrammingError`` unless the system is an attribute of an imported module.
        """
        for module_name, module in list(sys.modules.items()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if value is self:
                    return f"{module_name}:{name}"
        raise ProgrammingError(
            "This system has no topic: it is not an attribute of a module. Assign it to a name in "
            "a module, as in 'system = System(pipes=…)'."
        )

    @property
    def leaders(self) -> list[str]:
        """The names of the applications that others follow."""
        return [name for name in self.nodes if self.leads.get(name)]

    @property
    def leaders_only(self) -> list[str]:
        """The names of the applications that others follow, and that follow none."""
        return [name for name in self.leaders if not self.follows.get(name)]

    @property
    def followers(self) -> list[str]:
        """The names of the applications that follow others."""
        return [name for name in self.nodes if self.follows.get(name)]

    @property
    def processors(self) -> list[str]:
        """The names of the applications that follow others and are followed."""
        return [name for name in self.leaders if self.follows.get(name)]

    @property
    def singles(self) -> list[str]:
        """The names of the applications that stand alone."""
        return [n for n in self.nodes if not self.leads.get(n) and not self.follows.get(n)]

    def get_app_cls(self, name: str) -> type[Application]:
        """Return the class of the named application; ``KeyError`` if there is none."""
        return self._classes[name]

    def leader_cls(self, name: str) -> type[Leader]:
        """Return the class of the named application, as one that prompts followers."""
        app_class = self._classes[name]
        if issubclass(app_class, Leader):
            return app_class
        return type(
            app_class.__name__,
            (Leader, app_class),
            {
                "__doc__": app_class.__doc__,
                "__module__": app_class.__module__,
                "__qualname__": app_class.__qualname__,
                "name": app_class.name,
            },
        )

    def follower_cls(self, name: str) -> type[Follower]:
        """Return the class of the named follower."""
        app_class = self._classes[name]
        if not issubclass(app_class, Follower):
            raise TypeError(
                f"Not a follower class: {app_class!r}. What follows another application in a pipe "
                "derives from Follower or ProcessApplication."
            )
        return app_class

    def runnable_cls(self, name: str) -> type[Application]:
        """Return the class by which a runner makes the named application."""
        return self.leader_cls(name) if self.leads.get(name) else self._classes[name]

    def _add_node(self, app_class: type[Application]) -> None:
        known = self._classes.setdefault(app_class.name, app_class)
        if known is not app_class:
            raise TypeError(
                f"Two applications have the name {app_class.name!r}: {known!r} and "
                f"{app_class!r}. Set a different name on one of them."
            )
        self.nodes[app_class.name] = get_topic(app_class)

    def _add_edge(self, leader: str, follower: str) -> None:
        if (leader, follower) not in self.edges:
            self.edges.append((leader, follower))
            self.follows[follower].append(leader)
            self.leads[leader].append(follower)

    def _check_classes(self) -> None:
        for name in self.followers:
            self.follower_cls(name)
        for name in self.processors:
            if not issubclass(self._classes[name], ProcessApplication):
                raise TypeError(
                    f"Not a process application class: {self._classes[name]!r}. What stands in "
                    "the middle of pipes records events that others follow: it derives from "
                    "ProcessApplication."
                )


def _checked(pipe: object) -> list[type[Application]]:
    if not isinstance(pipe, Sequence) or isinstance(pipe, str):
        raise TypeError(
            f"A pipe is {pipe!r}. Give a list of application classes for each pipe: "
            "System(pipes=[[DogSchool, Counters]])."
        )
    for each in pipe:
        if not (isinstance(each, type) and issubclass(each, Application)):
            raise TypeError(f"A pipe has {each!r}, which is not the class of an application.")
    return list(pipe)
