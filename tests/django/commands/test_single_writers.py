"""Several processes on SQLite: a warning, since no setting tells how many there will be."""

from tests.databases import on
from tests.django.commands.processes import manage

WARNING = (
    "WARNING: Database 'default' is SQLite, where one writes at a time: several processes wait for "
    "each other there, and are no faster than one.  HINT: Leave --processes out, or use PostgreSQL.\n"
)


@on("default", "postgres")
def test_several_processes_are_warned_of_on_sqlite_alone(configured, database):
    code, output = manage("run_system", "--once", "--processes=2", eventsourcing=configured())

    assert code == 0, output
    assert output.count(WARNING) == (1 if database == "default" else 0)


@on("default")
def test_one_process_is_not(configured):
    code, output = manage("run_system", "--once", eventsourcing=configured())

    assert code == 0, output
    assert "WARNING" not in output
