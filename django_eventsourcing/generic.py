"""Generic: what class-based views need of an application."""

from typing import Any, Generic, TypeVar
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from django_eventsourcing.registry import get_application
from django_eventsourcing.shortcuts import aget_aggregate_or_404, get_aggregate_or_404
from eventsourcing.application import Application

__all__ = ["ApplicationMixin"]

TApplication = TypeVar("TApplication", bound=Application)


class ApplicationMixin(Generic[TApplication]):
    """
    Gives a class-based view the application whose class it names.

    To type checkers, ``ApplicationMixin[DogSchool]`` says what ``get_application()`` returns.
    """

    application: type[TApplication] | None = None
    """The application's class, as one of the configured systems has it."""

    def get_application(self) -> TApplication:
        """Return this process's instance of the application."""
        if self.application is None:
            name = type(self).__name__
            raise ImproperlyConfigured(
                f"{name} has no application.  HINT: Set {name}.application to the class of an "
                f"application, or define {name}.get_application()."
            )
        return get_application(self.application)

    def get_aggregate_or_404(self, aggregate_id: UUID | str, version: int | None = None) -> Any:
        """Return the application's aggregate, or raise ``Http404``."""
        return get_aggregate_or_404(self.get_application(), aggregate_id, version)

    async def aget_aggregate_or_404(
        self, aggregate_id: UUID | str, version: int | None = None
    ) -> Any:
        """Return the application's aggregate to an async view, or raise ``Http404``."""
        return await aget_aggregate_or_404(self.get_application(), aggregate_id, version)
