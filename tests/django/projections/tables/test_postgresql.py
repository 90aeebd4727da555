"""Shadow tables on PostgreSQL: what hangs on tables, and who uses them meanwhile."""

import threading

import pytest
from django.db import connections, transaction

from django_eventsourcing.projections.tables import (
    OrphanedRowsError,
    ShadowTables,
    ShadowTablesError,
    SwapDelayedError,
    SwapRefusedError,
)
from tests.databases import on
from tests.django.projections.tables.rows import MODELS, fill, names, structure
from tests.django.read_models.models import Dog, Lesson, Trick
from tests.django.runners.servers import cut_connection

pytestmark = on("postgres")

TRIGGER = (
    "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER watch BEFORE INSERT ON read_models_dog FOR EACH ROW EXECUTE FUNCTION nothing()"
)
FUNCTION = (
    "CREATE FUNCTION first_dog() RETURNS read_models_dog LANGUAGE sql AS "
    "'SELECT * FROM read_models_dog LIMIT 1'"
)
SECURITY = "ALTER TABLE read_models_dog {} ROW LEVEL SECURITY"
IDENTITY = "ALTER TABLE read_models_dog REPLICA IDENTITY {}"


@pytest.fixture
def run(database):
    """Return what executes a statement and returns its rows."""

    def execute(sql, params=None):
        with connections[database].cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.mark.parametrize(
    ("made", "dropped", "told"),
    [
        ("CREATE VIEW seen AS SELECT name FROM read_models_dog", "DROP VIEW seen", "view seen"),
        (
            "CREATE MATERIALIZED VIEW kept AS SELECT name FROM read_models_dog",
            "DROP MATERIALIZED VIEW kept",
            "materialized view kept",
        ),
        (TRIGGER, "DROP FUNCTION nothing CASCADE", "trigger watch"),
        (FUNCTION, "DROP FUNCTION first_dog", "function first_dog()"),
        (
            "CREATE POLICY mine ON read_models_dog USING (true)",
            "DROP POLICY mine ON read_models_dog",
            "row security policy mine",
        ),
        (
            SECURITY.format("ENABLE"),
            SECURITY.format("DISABLE"),
            "row level security, which is enabled",
        ),
        (
            "CREATE RULE no_more AS ON DELETE TO read_models_dog DO INSTEAD NOTHING",
            "DROP RULE no_more ON read_models_dog",
            "rule no_more",
        ),
        (
            "CREATE PUBLICATION news FOR TABLE read_models_dog",
            "DROP PUBLICATION news",
            "publication news",
        ),
        (
            "CREATE STATISTICS known ON name, best_id FROM read_models_dog",
            "DROP STATISTICS known",
            "statistics known",
        ),
        (IDENTITY.format("FULL"), IDENTITY.format("DEFAULT"), "replica identity f"),
        (
            "CREATE TABLE heir () INHERITS (read_models_dog)",
            "DROP TABLE heir",
            "inheritance from or by another table of read_models_dog; table heir",
        ),
    ],
)
def test_what_hangs_on_a_table_is_not_lost(database, tables, run, made, dropped, told):
    tables.create()
    run(made)
    try:
        with pytest.raises(SwapRefusedError) as raised:
            tables.swap()
        tables.drop()
        with pytest.raises(SwapRefusedError) as earlier:
            tables.create()
        ShadowTables(MODELS, database, purpose="scratch").create()
    finally:
        run(dropped)
        ShadowTables(MODELS, database, purpose="scratch").drop()

    assert (
        str(raised.value)
        == str(earlier.value)
        == (
            f"A swap would lose: {told} of read_models_dog. Drop it and make it again after the swap, "
            "or rebuild in place."
        )
    )
    assert not tables.exist()


@pytest.mark.parametrize(
    ("made", "dropped", "told"),
    [
        (
            "CREATE INDEX by_hand ON read_models_dog (lower(name))",
            "DROP INDEX by_hand",
            "index by_hand of read_models_dog is not in the model",
        ),
        (
            "ALTER TABLE read_models_dog ADD extra int",
            "ALTER TABLE read_models_dog DROP extra",
            "column extra of read_models_dog is not in the model",
        ),
        (
            "ALTER TABLE read_models_dog ADD CONSTRAINT named CHECK (name <> '')",
            "ALTER TABLE read_models_dog DROP CONSTRAINT named",
            "constraint named of read_models_dog is not in the model",
        ),
    ],
)
def test_tables_that_are_not_what_the_models_say(tables, run, made, dropped, told):
    run(made)
    try:
        with pytest.raises(SwapRefusedError) as raised:
            tables.create()
    finally:
        run(dropped)

    assert str(raised.value) == (
        f"The tables in use are not what the models say: {told}. Migrate, or bring model and table "
        "together, so that a swap changes rows alone."
    )
    assert not tables.exist()


def test_grants_comments_and_parameters_are_carried_over(tables, run):
    run("CREATE ROLE reporting_of_shadow")
    run("GRANT SELECT, UPDATE ON read_models_dog TO reporting_of_shadow WITH GRANT OPTION")
    run('GRANT INSERT (name) ON "Read_Tricks" TO PUBLIC')
    run("GRANT USAGE ON SEQUENCE read_models_dog_id_seq TO reporting_of_shadow")
    run("COMMENT ON TABLE read_models_dog IS 'the school''s 100 % dogs'")
    run("COMMENT ON COLUMN read_models_dog.name IS 'as called'")
    run("ALTER TABLE read_models_dog SET (fillfactor = 70, autovacuum_enabled = false)")
    look = (
        "SELECT c.relname, c.relacl::text, c.reloptions, c.relowner, obj_description(c.oid), "
        "ARRAY(SELECT (attname, attacl, col_description(attrelid, attnum))::text FROM pg_attribute "
        "WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attname) FROM pg_class c "
        "WHERE c.relkind IN ('r', 'S') AND c.relnamespace = 'public'::regnamespace AND "
        "(c.relname LIKE 'read_models_dog%' OR c.relname LIKE 'Read_Tricks%') ORDER BY 1"
    )
    try:
        before = run(look)
        tables.create()
        tables.swap()

        assert run(look) == before
        assert "reporting_of_shadow" in str(before)
    finally:
        run("DROP OWNED BY reporting_of_shadow")
        run("DROP ROLE reporting_of_shadow")
        run('REVOKE INSERT (name) ON "Read_Tricks" FROM PUBLIC')
        run("COMMENT ON TABLE read_models_dog IS NULL")
        run("COMMENT ON COLUMN read_models_dog.name IS NULL")
        run("ALTER TABLE read_models_dog RESET (fillfactor, autovacuum_enabled)")


def test_names_from_earlier_times_are_kept(database, tables, run):
    renamings = [
        ("ALTER INDEX {} RENAME TO {}", '"Read_Tricks_level_66031bef"', "old_level"),
        (
            'ALTER TABLE "Read_Tricks" RENAME CONSTRAINT {} TO {}',
            '"Read_Tricks_name_key"',
            "old_name",
        ),
        ("ALTER SEQUENCE {} RENAME TO {}", "read_models_dog_id_seq", "old_seq"),
    ]
    for sql, new, old in renamings:
        run(sql.format(new, old))
    try:
        before = structure(database)
        tables.create()
        tables.swap()

        assert structure(database) == before
        assert all(old in str(before) for _, _, old in renamings)
    finally:
        for sql, new, old in renamings:
            run(sql.format(old, new))


def test_readers_see_a_full_table_at_any_time(database, tables, live):
    Lesson.objects.using(database).all().delete()
    seen, errors, done = [], [], threading.Event()

    def read():
        try:
            while not done.is_set():
                with transaction.atomic(using=database):
                    seen.append(Trick.objects.using(database).count())
                    assert Dog.objects.using(database).filter(tricks__name="sit").exists()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connections[database].close()

    # The reader has the names from before: in its process, the ORM is not redirected.
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for count in range(3, 8):
            tables.create()
            connection = connections[database]
            with connection.cursor() as cursor:
                for name in ["Read_Tricks", "read_models_dog", "read_models_dog_tricks"]:
                    columns = "id, name, level, price, easier_id, group_id"
                    if name != "Read_Tricks":
                        columns = (
                            "id, name, best_id" if name.endswith("dog") else "id, dog_id, trick_id"
                        )
                    cursor.execute(
                        f'INSERT INTO {tables.names[name]} ({columns}) SELECT {columns} FROM "{name}"'
                    )
                cursor.execute(
                    f"INSERT INTO {tables.names['Read_Tricks']} (id, name, level) "
                    'SELECT max(id) + 1, %s, %s FROM "Read_Tricks"',
                    [f"trick {count}", count],
                )
            tables.swap()
    finally:
        done.set()
        for thread in threads:
            thread.join()

    assert errors == []
    assert set(seen) <= set(range(2, 8))
    assert seen[0] == 2
    assert names(database)[-1] == "trick 7"


def test_a_long_reader_is_waited_for_with_patience_and_nobody_behind_it(database, tables, live):
    tables.create()
    other = connections[database].copy()
    other.inc_thread_sharing()
    with other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute('SELECT * FROM "Read_Tricks"')

        with pytest.raises(SwapDelayedError) as raised:
            tables.swap(patience=0)
        assert names(database) == ["sit", "beg"]
        threading.Timer(0.5, other.close).start()
        tables.swap(patience=20)

    assert str(raised.value) == (
        "Others have kept Read_Tricks, read_models_dog, read_models_dog_tricks, or a table that is "
        "joined to them by a foreign key, locked for 0 seconds. Nothing is changed. Try again when "
        "their transactions are over, or end them."
    )
    assert names(database) == []


def test_a_connection_lost_meanwhile_writes_nothing_to_the_tables_in_use(database, tables, live):
    tables.create()

    with tables.in_use():
        cut_connection(database)
        connections[database].close()
        fill(database, "roll over")
        assert names(database) == ["roll over"]

    assert names(database) == ["sit", "beg"]


def test_tables_in_another_schema(database, run):
    connection = connections[database]
    run("CREATE SCHEMA tenant")
    path = run("SHOW search_path")[0][0]
    try:
        run("SET search_path TO tenant, public")
        with connection.schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)
        fill(database, "sit")
        tables = ShadowTables(MODELS, database)
        tables.create()
        with tables.in_use():
            fill(database, "roll over")
        tables.swap()

        assert names(database) == ["roll over"]
        run(f"SET search_path TO {path}")
        assert names(database) == []
        assert run("SELECT count(*) FROM pg_tables WHERE schemaname = 'tenant'") == [(3,)]
    finally:
        run(f"SET search_path TO {path}")
        run("DROP SCHEMA tenant CASCADE")


def test_who_may_not_make_a_schema_is_told_how_to(database, tables, run):
    run("CREATE ROLE modest_of_shadow")
    try:
        run("GRANT ALL ON ALL TABLES IN SCHEMA public TO modest_of_shadow")
        run("SET ROLE modest_of_shadow")
        with pytest.raises(ShadowTablesError) as raised:
            ShadowTables(MODELS, database, purpose="scratch").create()
    finally:
        run("RESET ROLE")
        run("DROP OWNED BY modest_of_shadow")
        run("DROP ROLE modest_of_shadow")

    name = connections[database].settings_dict["NAME"]
    assert str(raised.value) == (
        "The schema Read_Tricks__scratch cannot be made in database 'postgres': permission denied "
        f"for database {name}. As its owner, `GRANT CREATE ON DATABASE {name} TO "
        'modest_of_shadow`, or `CREATE SCHEMA "Read_Tricks__scratch" AUTHORIZATION '
        "modest_of_shadow`."
    )


def test_without_tables_in_use(database, tables, run):
    path = run("SHOW search_path")[0][0]
    try:
        run("SET search_path TO pg_catalog")
        with pytest.raises(ShadowTablesError) as raised:
            tables.create()
    finally:
        run(f"SET search_path TO {path}")

    assert str(raised.value) == (
        "Database 'postgres' has no table Read_Tricks in its search path. Run "
        "`manage.py migrate --database postgres`, or set the path."
    )


def test_tables_in_several_schemas(database, tables, run):
    run("CREATE SCHEMA other_of_shadow")
    run("ALTER TABLE read_models_dog SET SCHEMA other_of_shadow")
    path = run("SHOW search_path")[0][0]
    try:
        run("SET search_path TO public, other_of_shadow")
        with pytest.raises(ShadowTablesError) as raised:
            tables.create()
    finally:
        run(f"SET search_path TO {path}")
        run("ALTER TABLE other_of_shadow.read_models_dog SET SCHEMA public")
        run("DROP SCHEMA other_of_shadow")

    assert str(raised.value) == (
        "The tables are in several schemas: Read_Tricks in public, read_models_dog in "
        "other_of_shadow, read_models_dog_tricks in public. Move them into one, which the "
        "connection's search_path names."
    )


def test_a_row_that_comes_after_they_were_counted(database, tables, live, monkeypatch):
    tables.create()
    analyze = tables._aside.run

    def run(sql, params=None):
        if sql.startswith("ANALYZE"):
            Lesson.objects.using(database).create(trick_id=live.best_id)
        return analyze(sql, params)

    monkeypatch.setattr(tables._aside, "run", run)

    with pytest.raises(OrphanedRowsError) as raised:
        tables.swap()

    assert "1 in public.read_models_lesson (trick_id), to Read_Tricks" in str(raised.value)
    assert names(database) == ["sit", "beg"]
