"""Reading the log: a page costs the same, wherever it begins."""

from itertools import product

import pytest
from django.db import connections
from django.db.models import Q

from django_eventsourcing import get_application, registry
from django_eventsourcing.admin.paging import Cursor, read_page
from django_eventsourcing.event_log import read_log
from django_eventsourcing.models import StoredEventRecord
from tests.core.school import DogSchool
from tests.databases import on

EVENTS = 100_000
# A page, and what the server looks at besides; not the part of the log before it.
MOST_ROWS = 2_000


@pytest.fixture
def school(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.long_system", "DATABASE": database}
    }
    with connections[database].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {StoredEventRecord._meta.db_table} (application_name, originator_id, "
            "originator_version, topic, state, metadata, recorded_at) SELECT 'DogSchool', UUID(), 1, "
            f"'tests.core.school:Dog.Registered', '{{}}', '{{}}', NOW() FROM seq_1_to_{EVENTS}"
        )
    yield get_application(DogSchool)
    registry.reset()


def rows_read(alias):
    """Return how many rows of tables and indexes the session has read so far."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SHOW SESSION STATUS WHERE Variable_name LIKE 'Handler\\_read%' "
            "OR Variable_name = 'Handler_icp_attempts'"
        )
        return sum(int(number) for _, number in cursor.fetchall())


@on("mariadb")
@pytest.mark.parametrize(
    "part", [0.6, *(pytest.param(part, marks=pytest.mark.stress) for part in (0.1, 0.3, 0.8, 0.9))]
)
def test_a_page_in_the_middle_of_the_log_is_found_by_its_index(school, database, part):
    first = StoredEventRecord.objects.using(database).order_by("id").values_list("id", flat=True)[0]
    position = first + int(EVENTS * part)
    before = rows_read(database)

    page = school.recorder.select_notifications(position, 100, inclusive_of_start=False)

    assert [notification.id for notification in page] == list(range(position + 1, position + 101))
    assert rows_read(database) - before < MOST_ROWS


@on("mariadb")
def test_a_part_of_the_log_is_read_backwards_as_well(school, database):
    last = StoredEventRecord.objects.using(database).order_by("-id").values_list("id", flat=True)[0]
    before = rows_read(database)

    events = list(read_log(school, after=last - EVENTS // 2, newest=True, limit=100))

    assert [event.id for event in events] == list(range(last, last - 100, -1))
    assert rows_read(database) - before < MOST_ROWS


@on("mariadb")
def test_a_page_of_the_admin_is_found_by_its_index(school, database):
    log = StoredEventRecord.objects.using(database).log("DogSchool")
    first = log.values_list("id", flat=True)[0]
    registered = Q(topic="tests.core.school:Dog.Registered")

    for part, way, matching in product((0.1, 0.5, 0.9), ("before", "after"), (None, registered)):
        position = first + int(EVENTS * part)
        before = rows_read(database)
        page = read_page(log, Cursor(**{way: position}), size=50, matching=matching)
        near = position - 50 if way == "before" else position + 1
        assert [row.pk for row in page.rows] == list(range(near + 49, near - 1, -1))
        assert None not in (page.newer, page.older)
        assert rows_read(database) - before < MOST_ROWS, (part, way, matching)
