"""Migration operations: what an event table needs besides its columns."""

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from django_eventsourcing.ordering import get_commit_order

__all__ = ["AddCommitOrder"]


class AddCommitOrder(Operation):
    """
    Keeps the events of a model in commit order, whatever inserts them.

    Add it to the migration that creates a model derived from ``AbstractStoredEvent``, after
    ``CreateModel``.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Leave the models as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Install the commit order of the database."""
        connection = schema_editor.connection
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(connection.alias, model):
            get_commit_order(connection).install(schema_editor, model._meta.db_table)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Remove the commit order of the database."""
        connection = schema_editor.connection
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(connection.alias, model):
            get_commit_order(connection).uninstall(schema_editor, model._meta.db_table)

    def describe(self) -> str:
        """Return the line that ``migrate`` and ``makemigrations`` show."""
        return f"Keep the events of {self.model_name} in commit order"

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration with this operation alone is called."""
        return f"{self.model_name.lower()}_commit_order"
