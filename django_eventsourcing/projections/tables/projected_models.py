"""The models that get tables of their own beside those in use."""

from collections.abc import Iterable, Sequence

from django.db.models import Model

from django_eventsourcing.projections.tables.errors import ShadowTablesError

__all__ = ["with_through_models"]


def with_through_models(models: Iterable[type[Model]]) -> Sequence[type[Model]]:
    """
    Return the models and those that Django has made for their many-to-many fields, each once.

    Raise ``ShadowTablesError`` if one of them has no table of its own to be made again.
    """
    found: dict[type[Model], None] = {}
    for model in models:
        _require_own_table(model)
        found[model] = None
        for field in model._meta.local_many_to_many:
            through = field.remote_field.through
            if through is not None and through._meta.auto_created:
                found[through] = None
    if not found:
        raise ShadowTablesError(
            "There are no models to make tables for. Name them in the projection's `models`."
        )
    return list(found)


def _require_own_table(model: type[Model]) -> None:
    meta = model._meta
    if meta.abstract or meta.proxy:
        kind = "abstract" if meta.abstract else "a proxy"
        fault = f"is {kind}: name the model that has the table"
    elif not meta.managed:
        fault = (
            "is not managed: its table is not Django's to make. Make it managed, or leave it out"
        )
    elif meta.swapped:
        fault = f"is swapped for {meta.swapped}: name that"
    elif meta.parents:
        parents = ", ".join(each._meta.label for each in meta.parents)
        fault = (
            f"inherits from {parents} by a table of its own, and its rows lie in both. "
            "Join them by a OneToOneField, or derive both from an abstract model"
        )
    elif '"' in meta.db_table or "`" in meta.db_table:
        fault = f"has a quoted db_table, {meta.db_table}: give the name alone"
    else:
        return
    raise ShadowTablesError(f"{meta.label} cannot be filled beside its table: it {fault}.")
