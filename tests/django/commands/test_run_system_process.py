"""``manage.py run_system`` as a process: signals, kills, and databases that are not ready."""

import re
import signal
from contextlib import closing, contextmanager

import pytest
from django.db import connections

from django_eventsourcing import get_application
from django_eventsourcing.models import TrackingRecord
from tests.core.school import Counters, Tally
from tests.databases import on
from tests.django.commands.processes import Manage, add_tricks, manage
from tests.django.schools import Loud, Mortal
from tests.waiting import wait_until


@pytest.mark.long_elsewhere("default")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(configured, number):
    setting = configured()
    add_tricks(5)

    with Manage("run_system", eventsourcing=setting) as runner:
        wait_until(lambda: get_application(Tally).get_total() == 5, "tallied", 60)
        runner.send(number)

        assert runner.wait() == 0
        assert f"{number.name}: finishing what is in hand; again to abort." in runner.output
        assert re.search(r"^Counters +DogSchool +.*caught up$", runner.output, re.MULTILINE)


@pytest.mark.long_elsewhere("postgres")
def test_events_of_another_process_are_processed_while_it_runs(configured):
    setting = configured()

    with Manage("run_system", eventsourcing=setting) as runner:
        wait_until(lambda: "followers" in runner.output, "started", 60)
        add_tricks(3)
        wait_until(lambda: get_application(Tally).get_total() == 3, "tallied")


@pytest.mark.long_elsewhere("postgres")
def test_a_signal_lets_a_slow_policy_finish_its_event_and_commit(configured, tmp_path):
    setting = configured("loud_system")
    add_tricks(10)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "0.8"}

    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(said.exists, "processing", 60)
        runner.send(signal.SIGTERM)

        assert runner.wait(20) == 0

    begun = said.read_text().splitlines()
    assert 1 <= len(begun) < 11
    assert get_application(Loud).recorder.max_tracking_id("DogSchool") is not None
    assert get_application(Loud).get_count("sit") == len(begun) - 1


@pytest.mark.long_elsewhere("default")
def test_once_that_is_stopped_before_it_has_caught_up_ends_with_1(configured, tmp_path):
    setting = configured("loud_system")
    add_tricks(10)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "0.8"}

    with Manage("run_system", "--once", eventsourcing=setting, env=env) as runner:
        wait_until(said.exists, "processing", 60)
        runner.send(signal.SIGTERM)

        assert runner.wait(20) == 1
        assert runner.output.endswith(
            "CommandError: Not caught up: Loud stopped.  HINT: Start again: it goes on from "
            "there.\n"
        )


@pytest.mark.long_elsewhere("mariadb")
def test_it_stays_when_all_have_failed_and_ends_with_3_when_it_is_stopped(configured):
    setting = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(1, "sing")

    with Manage("run_system", "--only=Poisoned", eventsourcing=setting) as runner:
        wait_until(lambda: "has failed at" in runner.output, "failed")
        runner.send(signal.SIGTERM)

        assert runner.wait(20) == 3
        assert "again to abort" in runner.output


@pytest.mark.long_elsewhere("mariadb")
def test_a_second_signal_aborts_and_rolls_back(configured, tmp_path):
    setting = configured("loud_system")
    add_tricks(2)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "300"}

    with Manage("run_system", eventsourcing=setting, env=env) as runner:
        wait_until(said.exists, "processing", 60)
        runner.send(signal.SIGTERM)
        wait_until(lambda: "again to abort" in runner.output, "asked to stop")
        runner.send(signal.SIGTERM)

        assert runner.wait(5) == 1
        assert "Aborted: what was in hand is rolled back." in runner.output

    assert get_application(Loud).recorder.max_tracking_id("DogSchool") is None


@pytest.mark.long_elsewhere("default")
def test_the_drain_timeout_ends_it_with_5(configured, tmp_path):
    setting = configured("loud_system")
    add_tricks(1)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "300"}

    with Manage("run_system", "--drain-timeout=0.2", eventsourcing=setting, env=env) as runner:
        wait_until(said.exists, "processing", 60)
        runner.send(signal.SIGTERM)

        assert runner.wait(20) == 5
        assert runner.output.endswith(
            "CommandError: Followers were still busy at the drain timeout; what they had in hand "
            "is rolled back.  HINT: Allow more by --drain-timeout.\n"
        )


@pytest.mark.long_elsewhere("mariadb")
@on("postgres", "mariadb")
def test_the_drain_timeout_ends_it_though_a_table_is_locked(configured, database):
    setting = configured()
    with Manage("run_system", "--drain-timeout=0.2", eventsourcing=setting) as runner:
        add_tricks(1)
        wait_until(lambda: get_application(Tally).recorder.max_tracking_id("Counters"), "idle", 60)
        with locked(database, TrackingRecord._meta.db_table) as is_waited_for:
            wait_until(is_waited_for, "waiting for the lock")
            runner.send(signal.SIGTERM)

            assert runner.wait(10) == 5

        # Whichever of the two looked first after the table was locked.
        busy = r"^(Counters +DogSchool|Tally +Counters) .* running$"
        assert re.search(busy, runner.output, re.MULTILINE)
        assert "CommandError: Followers were still busy" in runner.output


@contextmanager
def locked(alias, table):
    """Lock a table for all others; give what tells whether somebody waits for it."""
    holder, observer = connections[alias].copy(), connections[alias].copy()
    with closing(holder), closing(observer):
        is_postgres = holder.vendor == "postgresql"
        holder.set_autocommit(not is_postgres)
        with holder.cursor() as cursor, observer.cursor() as others:
            cursor.execute(
                f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"
                if is_postgres
                else f"LOCK TABLES {table} WRITE"
            )

            def is_waited_for():
                others.execute(
                    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
                    "WHERE NOT granted AND datname = current_database()"
                    if is_postgres
                    else "SELECT count(*) FROM information_schema.processlist "
                    "WHERE state LIKE '%lock%' AND db = database()"
                )
                return others.fetchone()[0] > 0

            yield is_waited_for


@pytest.mark.long_elsewhere("mariadb")
def test_killed_and_started_again_it_processes_each_event_once(configured, tmp_path):
    setting = configured("loud_system", BATCH_SIZE=7)
    add_tricks(60)
    said = tmp_path / "said"
    env = {"TEST_LOUD_FILE": str(said), "TEST_LOUD_SECONDS": "0.004"}

    for kill in range(1, 4):
        with Manage("run_system", eventsourcing=setting, env=env) as runner:
            wait_until(
                lambda kill=kill: said.exists() and len(said.read_text()) > kill * 40,
                "processing",
                60,
            )
            runner.kill()
    code, output = manage("run_system", "--once", eventsourcing=setting, env=env)

    assert code == 0, output
    assert get_application(Loud).get_count("sit") == 60
    assert get_application(Loud).recorder.max_notification_id() is not None


@pytest.mark.parametrize(
    "point",
    [
        pytest.param("read", marks=pytest.mark.long_elsewhere("default")),
        pytest.param("policy", marks=pytest.mark.long_elsewhere("postgres")),
        pytest.param("commit", marks=pytest.mark.long_elsewhere("mariadb")),
    ],
)
def test_killed_at_any_point_it_processes_each_event_once(configured, tmp_path, point):
    setting = configured("mortal_system", BATCH_SIZE=4)
    add_tricks(9)
    env = {"TEST_KILL_AT": point, "TEST_KILL_FILE": str(tmp_path / "died")}

    first, _ = manage("run_system", "--once", eventsourcing=setting, env=env)
    second, output = manage("run_system", "--once", eventsourcing=setting, env=env)

    assert (first, second) == (-signal.SIGKILL, 0), output
    assert get_application(Mortal).get_count("sit") == 9


@pytest.mark.long_elsewhere("postgres")
def test_two_at_once_process_each_event_once(configured):
    setting = configured(BATCH_SIZE=4)
    add_tricks(40)

    with (
        Manage("run_system", "--once", eventsourcing=setting) as one,
        Manage("run_system", "--once", eventsourcing=setting) as two,
    ):
        assert (one.wait(), two.wait()) == (0, 0), one.output + two.output

    assert get_application(Counters).get_count("sit") == 40
    assert get_application(Tally).get_total() == 40


@pytest.mark.long_elsewhere("default")
def test_a_failed_follower_ends_once_with_3(configured):
    setting = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(2, "sing")

    code, output = manage("run_system", "--once", eventsourcing=setting)

    assert code == 3
    assert output.splitlines()[-1] == (
        "CommandError: Not caught up: Poisoned failed.  HINT: Try it by 'manage.py es_retry "
        "FOLLOWER --dry-run'; remove the cause and start again."
    )


@on("default")
def test_a_run_that_is_stopped_was_not_to_catch_up(configured):
    setting = configured("poisoned_system", ON_ERROR={"retries": 0})
    add_tricks(2, "sing")

    with Manage("run_system", "--noreload", eventsourcing=setting) as run:
        wait_until(lambda: "Poisoned has failed at" in run.output, "failed", 60)
        run.send(signal.SIGTERM)

        assert run.wait() == 3
        assert run.output.splitlines()[-1] == (
            "CommandError: Stopped, with something left to do: Poisoned failed.  HINT: Try it by "
            "'manage.py es_retry FOLLOWER --dry-run'; remove the cause and start again."
        )


SYSTEM = {"default": {"SYSTEM": "tests.django.schools.system", "DATABASE": "other"}}


def sqlite(name):
    options = {"transaction_mode": "IMMEDIATE", "timeout": 20}
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(name), "OPTIONS": options}


def test_missing_migrations_are_told_with_the_remedy(tmp_path):
    name = tmp_path / "empty.sqlite3"

    code, output = manage("run_system", eventsourcing=SYSTEM, databases={"other": sqlite(name)})

    assert code == 1
    assert re.fullmatch(
        r"DatabaseNotReadyError: Database 'other' \(SQLite at \S+empty\.sqlite3\) lacks migrations of: "
        r"django_eventsourcing \(\d+\)\.  HINT: Run 'manage\.py migrate --database other'\.\n",
        output,
    )


ROUTERS = {"TEST_ROUTERS": '["tests.django.commands.routers.KeepOut"]'}


def test_tables_that_a_router_keeps_out_are_told_with_the_remedy(tmp_path):
    databases = {"other": sqlite(tmp_path / "routed.sqlite3")}
    kwargs = {"eventsourcing": SYSTEM, "databases": databases}

    assert manage("migrate", "--skip-checks", "--database=other", env=ROUTERS, **kwargs)[0] == 0
    code, output = manage("run_system", env=ROUTERS, **kwargs)
    assert code == 1
    assert output.startswith("CommandError: EVENTSOURCING['default'] keeps DogSchool, Counters ")
    assert output.endswith("(django_eventsourcing.E017)\n")

    # Without the router, the migrations are there by name alone, until the remedy is followed.
    code, output = manage("run_system", "--once", **kwargs)
    assert code == 1
    assert " lacks the tables django_eventsourcing_storedeventrecord, " in output
    for command in re.findall(r"'manage\.py (.*?)'", output):
        assert manage(*command.split(), **kwargs)[0] == 0, command
    assert manage("run_system", "--once", **kwargs)[0] == 0


def test_an_unreachable_file_is_told_with_the_remedy(tmp_path):
    name = tmp_path / "nowhere" / "events.sqlite3"

    code, output = manage("run_system", eventsourcing=SYSTEM, databases={"other": sqlite(name)})

    assert code == 1
    assert output == (
        f"DatabaseNotReadyError: Database 'other' (SQLite at {name}) cannot be reached: unable to open "
        "database file  HINT: Correct the path in DATABASES['other'], or make its directory "
        "writable.\n"
    )


@pytest.mark.parametrize(("engine", "kind"), [("postgresql", "PostgreSQL"), ("mysql", "MySQL")])
def test_an_unreachable_server_is_told_without_its_password(engine, kind):
    pytest.importorskip({"postgresql": "psycopg", "mysql": "MySQLdb"}[engine])
    database = {
        "ENGINE": f"django.db.backends.{engine}",
        "NAME": "school",
        "HOST": "127.0.0.1",
        "PORT": "1",
        "USER": "fido",
        "PASSWORD": "s3cret",
    }

    code, output = manage(
        "run_system", "--max-wait=0", eventsourcing=SYSTEM, databases={"other": database}
    )

    assert code == 1
    assert output.startswith(
        f"DatabaseNotReadyError: Database 'other' ({kind} at 127.0.0.1:1/school) cannot be reached: "
    )
    assert output.endswith("HINT: Start it, or correct DATABASES['other'] in your settings.\n")
    assert output.count("\n") == 1
    assert "s3cret" not in output


def test_an_unknown_follower_ends_it_with_2():
    code, output = manage(
        "run_system",
        "--only=Nobody",
        eventsourcing={"default": {"SYSTEM": "tests.django.schools.system"}},
    )

    assert (code, output) == (
        2,
        (
            "CommandError: --only Nobody: system 'default' has no such follower.  "
            "HINT: Its followers: Counters.\n"
        ),
    )
