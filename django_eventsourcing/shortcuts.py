"""Shortcuts: aggregates for views, in which one that is not there is a page that is not found."""

from typing import Any
from uuid import UUID

from django.http import Http404

from django_eventsourcing.async_calls import aio
from django_eventsourcing.registry import get_application
from eventsourcing.application import AggregateNotFoundError, Application

__all__ = ["aget_aggregate_or_404", "get_aggregate_or_404"]


def get_aggregate_or_404(
    application: Application | type[Application],
    aggregate_id: UUID | str,
    version: int | None = None,
) -> Any:
    """
    Return an application's aggregate, at its last version or as it was; raise ``Http404``.

    The application is an instance, or the class of one of the configured systems.
    """
    if isinstance(application, type):
        application = get_application(application)
    try:
        return application.repository.get(aggregate_id, version=version)
    except AggregateNotFoundError as error:
        raise Http404(str(error)) from error


async def aget_aggregate_or_404(
    application: Application | type[Application],
    aggregate_id: UUID | str,
    version: int | None = None,
) -> Any:
    """Return what ``get_aggregate_or_404()`` returns, to an async view."""
    return await aio(get_aggregate_or_404)(application, aggregate_id, version)
