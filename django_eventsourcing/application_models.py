"""Application models: the tables that keep one application's records, shared or of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

from django.apps import apps
from django.db.models import Model

from django_eventsourcing.models import (
    AbstractSnapshot,
    AbstractStoredEvent,
    AbstractTracking,
    SnapshotRecord,
    StoredEventRecord,
    TrackingRecord,
)
from django_eventsourcing.problems import ConfigurationError, Problem

__all__ = ["ApplicationModels", "resolve_models"]

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, kw_only=True)
class ApplicationModels:
    """The models of one application: those that all applications share, unless others are set."""

    event: type[AbstractStoredEvent] = StoredEventRecord
    snapshot: type[AbstractSnapshot] = SnapshotRecord
    tracking: type[AbstractTracking] = TrackingRecord

    @property
    def app_labels(self) -> set[str]:
        """The labels of the apps whose migrations make the tables."""
        return {model._meta.app_label for model in (self.event, self.snapshot, self.tracking)}


def resolve_models(labels: Mapping[str, str], where: Callable[[str], str]) -> ApplicationModels:
    """
    Return the models that the labels name, by EVENT, SNAPSHOT and TRACKING.

    ``where`` tells in which setting a label stands. Raise ``ConfigurationError`` with all that is
    wrong with the labels.
    """
    problems: list[Problem] = []

    def resolved(kind: str, base: type[Model], default: type[M]) -> type[M]:
        if kind not in labels:
            return default
        try:
            return cast("type[M]", _find(labels[kind], base, where(kind)))
        except ConfigurationError as error:
            problems.extend(error.problems)
            return default

    models = ApplicationModels(
        event=resolved("EVENT", AbstractStoredEvent, StoredEventRecord),
        snapshot=resolved("SNAPSHOT", AbstractSnapshot, SnapshotRecord),
        tracking=resolved("TRACKING", AbstractTracking, TrackingRecord),
    )
    if problems:
        raise ConfigurationError(problems)
    return models


def _find(label: str, base: type[Model], where: str) -> type[Model]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        reason = (
            " ".join(str(error.args[0]).split()).rstrip(".")
            if isinstance(error, LookupError)
            else "it is not of the form 'app_label.ModelName'"
        )
        raise ConfigurationError.of(
            "E012",
            f"{where} is {label!r}, which is not a model: {reason}.",
            "Give 'app_label.ModelName', of a model in an app of INSTALLED_APPS.",
        ) from error
    if not issubclass(model, base):
        raise ConfigurationError.of(
            "E013",
            f"{where} is {label!r}, which does not derive from {base.__name__}.",
            f"Derive it from django_eventsourcing.models.{base.__name__}.",
        )
    if not has_unique_constraint(model):
        raise ConfigurationError.of(
            "E015",
            f"{where} is {label!r}, which has no unique constraint over "
            f"{', '.join(_unique_fields(model))}: nothing would keep two writers from recording "
            "the same one.",
            f"Let its Meta extend {base.__name__}.Meta, then make its migration and run it.",
        )
    return model


def has_unique_constraint(model: type[Model]) -> bool:
    """Tell whether the database refuses a second record of a version, or of a position."""
    # A proxy has the constraints of the model behind it.
    opts = (model._meta.concrete_model or model)._meta
    return any(
        set(constraint.fields) == set(_unique_fields(model)) and constraint.deferrable is None
        for constraint in opts.total_unique_constraints
    )


def _unique_fields(model: type[Model]) -> tuple[str, ...]:
    if issubclass(model, AbstractTracking):
        return ("application_name", "upstream_name")
    return ("application_name", "originator_id", "originator_version")
