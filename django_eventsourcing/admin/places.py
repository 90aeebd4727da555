"""Places: the applications of the configured systems, and the databases that keep their events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from django_eventsourcing.application_models import ApplicationModels
from django_eventsourcing.models import AbstractStoredEvent
from django_eventsourcing.querysets import StoredEventQuerySet
from django_eventsourcing.reading import in_one_line
from django_eventsourcing.registry import ConfiguredSystem, get_system, systems
from eventsourcing.application import Application

__all__ = ["Place", "Places", "find_places", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """An application of a configured system, and where its events are."""

    system: ConfiguredSystem
    name: str

    @property
    def database(self) -> str:
        """The alias of the database that keeps the application's events."""
        return self.system.database_of(self.name)

    @property
    def is_persisted(self) -> bool:
        """Whether the events are in a database of Django's, rather than in memory, say."""
        return self.system.is_persisted(self.name)

    @property
    def models(self) -> ApplicationModels:
        """The models of the records; raises ``ImproperlyConfigured`` where they are not found."""
        return self.system.models_of(self.name)

    @property
    def events(self) -> StoredEventQuerySet[AbstractStoredEvent]:
        """Those in the application's table; raises ``ImproperlyConfigured`` as ``models`` does."""
        found: StoredEventQuerySet[AbstractStoredEvent] = self.models.event.objects.using(
            self.database
        )
        return found

    @property
    def application(self) -> Application:
        """This process's instance; building it may raise whatever the settings provoke."""
        return self.system.get(self.name)


@dataclass(frozen=True, kw_only=True)
class Places:
    """All places, in the order of the settings."""

    found: Sequence[Place]
    problems: Sequence[str]
    """Why systems are missing, where the settings have faults."""

    def __iter__(self) -> Iterator[Place]:
        return iter(self.found)

    @property
    def systems(self) -> list[ConfiguredSystem]:
        """The systems, each once."""
        return list({place.system.alias: place.system for place in self}.values())

    @property
    def databases(self) -> list[str]:
        """The aliases of the databases that keep events, each once."""
        return list(dict.fromkeys(p.database for p in self if p.is_persisted)) or ["default"]

    def find(self, name: str, *, system: str = "", database: str = "") -> Place | None:
        """Return the first application of this name, in this system or database if given."""
        for place in self:
            if (
                place.name == name
                and system in ("", place.system.alias)
                and database in ("", place.database)
            ):
                return place
        return None


def find_places() -> Places:
    """Return the applications of all systems whose settings have no faults, and the faults."""
    found: list[Place] = []
    problems: list[str] = []
    try:
        aliases = list(systems)
    except ImproperlyConfigured as error:
        return Places(found=[], problems=[str(error)])
    for alias in aliases:
        try:
            system = get_system(alias)
        except ImproperlyConfigured as error:
            problems.append(str(error))
        else:
            found.extend(Place(system=system, name=name) for name in system.names)
    return Places(found=found, problems=problems)


def unreadable(alias: str, error: Exception) -> str:
    """Return what a page says of a database that cannot be read."""
    return _("The database “%(database)s” cannot be read: %(error)s") % {
        "database": alias,
        "error": in_one_line(error),
    }
