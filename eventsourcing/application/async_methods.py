"""Async methods: an application, called from async code without holding its event loop up."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any
from uuid import UUID

from eventsourcing.application.repository import ProjectorFunction, Repository, project_aggregate
from eventsourcing.asynchronous import ToAsync, is_async
from eventsourcing.persistence import Recording

if TYPE_CHECKING:
    from eventsourcing.application.application import Application

__all__ = ["AsyncMethods", "AsyncRepository"]

# What runners, projections and factories call is not offered.
_LIBRARIES = {"eventsourcing", "django_eventsourcing"}


class AsyncMethods:
    """
    The methods of an application in async form: ``await app.aio.add_trick(dog_id, "sit")``.

    It has the public methods that the application's own classes define, beside ``save()``,
    ``take_snapshot()`` and ``repository.get()``. Each runs in a thread, and to its end, even where
    whoever awaits it is cancelled meanwhile. What it would yield has been read when it returns.
    """

    def __init__(self, application: "Application", to_async: ToAsync) -> None:
        self._application = application
        self._to_async = to_async

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._application.name}>"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._own_names()})

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if not name.startswith("_") and name in self._own_names():
            method: Callable[..., Any] = getattr(self._application, name)
            return method if is_async(method) else self._to_async(method)
        if name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        names = ", ".join(each for each in dir(self) if not each.startswith("_"))
        raise AttributeError(
            f"{self._application.name}.aio has no {name!r}. It has: {names}.", name=name, obj=self
        )

    @property
    def repository(self) -> "AsyncRepository":
        """The repository of the application's aggregates."""
        return AsyncRepository(self._application.repository, self._to_async)

    async def save(self, *objs: Any, **kwargs: Any) -> list[Recording]:
        """Record the pending events; see ``Application.save()``."""
        recordings: list[Recording] = await self._to_async(self._application.save)(*objs, **kwargs)
        return recordings

    async def take_snapshot(
        self,
        aggregate_id: UUID | str,
        version: int | None = None,
        projector_func: ProjectorFunction = project_aggregate,
    ) -> None:
        """Keep the aggregate's state as a snapshot; see ``Application.take_snapshot()``."""
        take_snapshot = self._to_async(self._application.take_snapshot)
        await take_snapshot(aggregate_id, version, projector_func)

    def _own_names(self) -> list[str]:
        cls = type(self._application)
        theirs = {
            name
            for base in cls.__mro__
            if base is object or base.__module__.partition(".")[0] in _LIBRARIES
            for name in vars(base)
        }
        return [name for name in dir(cls) if name not in theirs and _is_method(cls, name)]


class AsyncRepository:
    """The repository of an application in async form."""

    def __init__(self, repository: Repository, to_async: ToAsync) -> None:
        self._repository = repository
        self._to_async = to_async

    async def get(self, aggregate_id: UUID | str, **kwargs: Any) -> Any:
        """Return the aggregate; see ``Repository.get()``."""
        return await self._to_async(self._repository.get)(aggregate_id, **kwargs)


def _is_method(cls: type[Any], name: str) -> bool:
    # Looked up on the class, so that no property is read.
    value = getattr(cls, name)
    return not name.startswith("_") and callable(value) and not isinstance(value, type)
