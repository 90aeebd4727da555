"""Migration operations: what an event table needs besides its columns."""

from abc import abstractmethod

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from django_eventsourcing import correlations
from django_eventsourcing.ordering import get_commit_order

__all__ = ["AddCommitOrder", "AddCorrelationIndex"]


class _TableOperation(Operation):
    """Adds something to the table of a model that the model itself does not tell of."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    @abstractmethod
    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Add it to the table."""

    @abstractmethod
    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Remove it."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Leave the models as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add it to the database, if the model is there."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self.install(schema_editor, model._meta.db_table)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Remove it from the database, if the model is there."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self.uninstall(schema_editor, model._meta.db_table)


class AddCommitOrder(_TableOperation):
    """
    Keeps the events of a model in commit order, whatever inserts them.

    Add it to the migration that creates a model derived from ``AbstractStoredEvent``, after
    ``CreateModel``.
    """

    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Install the commit order of the database."""
        get_commit_order(schema_editor.connection).install(schema_editor, table)

    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Remove the commit order of the database."""
        get_commit_order(schema_editor.connection).uninstall(schema_editor, table)

    def describe(self) -> str:
        """Return the line that ``migrate`` and ``makemigrations`` show."""
        return f"Keep the events of {self.model_name} in commit order"

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration with this operation alone is called."""
        return f"{self.model_name.lower()}_commit_order"


class AddCorrelationIndex(_TableOperation):
    """
    Makes the events of one correlation id quick to find among any number of others.

    Add it to the migration that creates a model derived from ``AbstractStoredEvent``, after
    ``CreateModel``, or to a later one. Without it, only the newest events are searched.
    """

    def install(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Make the index."""
        correlations.install(schema_editor, table)

    def uninstall(self, schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
        """Remove the index."""
        correlations.uninstall(schema_editor, table)

    def describe(self) -> str:
        """Return the line that ``migrate`` and ``makemigrations`` show."""
        return f"Index the correlation ids of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration with this operation alone is called."""
        return f"{self.model_name.lower()}_correlation_index"
