"""Async calls: from async views, applications are used by Django's rules for its databases."""

import asyncio
import threading
from contextvars import ContextVar
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from asgiref.sync import ThreadSensitiveContext, async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.db import connections, transaction
from django.test import AsyncClient

from django_eventsourcing import aio, get_application, registry
from django_eventsourcing.models import StoredEventRecord
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import RecordConflictError
from eventsourcing.system import RecordingEventReceiver
from tests.core.school import Dog, DogSchool
from tests.databases import on
from tests.waiting import wait_until

pytestmark = [pytest.mark.urls("tests.django.async_views"), pytest.mark.long_elsewhere("postgres")]

current_user = ContextVar("current_user", default="nobody")


@pytest.fixture
def school(settings, database):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }
    yield get_application(DogSchool)
    registry.reset()


def test_an_async_view_records_and_reads(school):
    @async_to_sync
    async def visit():
        client = AsyncClient()
        dog_id = (await client.get("/dogs/", {"name": "Fido"})).json()["id"]
        return await client.get(f"/dogs/{dog_id}/teach/", {"trick": ["sit", "roll over"]})

    assert visit().json() == {"name": "Fido", "tricks": ["sit", "roll over"]}


def test_what_is_rolled_back_is_not_recorded_and_prompts_nobody(school, database):
    dog_id = school.register_dog("Fido")
    prompts = []
    receiver = Receiver(prompts)
    school.lead(receiver)

    with pytest.raises(RuntimeError, match=r"after save\(\)"):
        async_to_sync(AsyncClient().get)(f"/dogs/{dog_id}/fail/", {"using": database})

    assert school.get_dog(dog_id)["tricks"] == ()
    assert prompts == []
    async_to_sync(school.aio.add_trick)(dog_id, "sit")
    assert len(prompts) == 1


class Receiver(RecordingEventReceiver):
    """Keeps the prompts."""

    def __init__(self, prompts):
        self.prompts = prompts

    def receive_recording_event(self, new_recording_event):
        self.prompts.append(new_recording_event)


def test_a_transaction_that_is_open_in_the_thread_is_joined(school, database):
    with transaction.atomic(using=database):
        dog_id = async_to_sync(school.aio.register_dog)("Fido")
        transaction.set_rollback(True, using=database)

    assert dog_id not in school.repository


def test_errors_are_those_of_the_method(school):
    with pytest.raises(AggregateNotFoundError):
        async_to_sync(AsyncClient().get)(f"/dogs/{uuid4()}/")


def test_a_conflict_is_raised_by_save(school):
    dog_id = school.register_dog("Fido")

    @async_to_sync
    async def change():
        seen = await school.aio.repository.get(dog_id)
        await school.aio.add_trick(dog_id, "sit")
        seen.add_trick("roll over")
        await school.aio.save(seen)

    with pytest.raises(RecordConflictError):
        change()


def test_context_variables_are_seen(school):
    @async_to_sync
    async def ask():
        current_user.set("ann")
        return await aio(current_user.get)()

    assert ask() == "ann"


def test_what_would_read_the_database_later_is_read_at_once(school):
    dog_id = school.register_dog("Fido")

    @async_to_sync
    async def read():
        return [type(each) for each in await aio(school.events.get)(dog_id)]

    assert read() == [Dog.Registered]


def test_concurrent_requests_each_have_a_thread_and_leave_no_connection(school, database):
    dog_id = school.register_dog("Fido")
    count = 12

    @async_to_sync
    async def visit():
        application = get_asgi_application()
        paths = [f"/dogs/{dog_id}/teach/?trick={number}" for number in range(count)]
        return await asyncio.gather(*(status_of(application, path) for path in paths))

    before = open_connections(database)

    # Beside the thread that has the test's own connection, as under a server.
    thread = Result(visit)

    assert thread.value() == [200] * count
    assert sorted(map(int, school.get_dog(dog_id)["tricks"])) == list(range(count))
    wait_until(lambda: open_connections(database) <= before, "connections closed")


class Result(threading.Thread):
    """Calls a function in a thread of its own."""

    def __init__(self, func):
        super().__init__()
        self._func = func
        self._value = None
        self.start()

    def run(self):
        self._value = self._func()

    def value(self):
        self.join()
        return self._value


async def status_of(application, path):
    """Return the status of the answer that a server would send."""
    communicator = await asked(application, path)
    start = await communicator.receive_output(timeout=60)
    await communicator.receive_output(timeout=60)
    await communicator.wait(timeout=60)
    return start["status"]


async def asked(application, path):
    """Ask for a page, as a server does; return what gives its answer."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"testserver")],
    }
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
    return communicator


def open_connections(database):
    """Return how many the server has of this run's database; on SQLite, none are counted."""
    sql = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE db = database()",
    }.get(connections[database].vendor)
    if sql is None:
        return 0
    with connections[database].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_a_call_that_has_begun_goes_on_to_its_end_when_its_request_is_cancelled(school, database):
    begun, go_on = threading.Event(), threading.Event()
    dogs = []

    def register():
        with transaction.atomic(using=database):
            dogs.append(school.register_dog("Fido"))
            begun.set()
            go_on.wait(20)
            dogs.append(school.register_dog("Rex"))
        connections.close_all()

    async def cancel():
        async with ThreadSensitiveContext():
            first = asyncio.create_task(aio(register)())
            await asyncio.to_thread(begun.wait, 20)
            second = asyncio.create_task(school.aio.register_dog("Billy"))
            await asyncio.sleep(0)
            for task in (first, second):
                task.cancel()
            results = await asyncio.gather(first, second, return_exceptions=True)
            go_on.set()
        return results

    results = Result(lambda: asyncio.run(cancel())).value()

    assert [type(each) for each in results] == [asyncio.CancelledError] * 2
    records = StoredEventRecord.objects.using(database).of("DogSchool")
    assert set(records.values_list("originator_id", flat=True)) == set(dogs)
    assert len(dogs) == 2


def test_a_client_that_goes_away_leaves_no_half_of_a_transaction(school, database, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    register_dog = school.register_dog

    def register_two(name):
        with transaction.atomic(using=database):
            register_dog(name)
            begun.set()
            go_on.wait(20)
            register_dog("Rex")

    async def visit():
        communicator = await asked(get_asgi_application(), "/dogs/?name=Fido")
        await asyncio.to_thread(begun.wait, 20)
        await communicator.send_input({"type": "http.disconnect"})
        for _ in range(20):  # Turns of the loop, in which Django hears of it.
            await asyncio.sleep(0)
        go_on.set()
        await communicator.wait(timeout=20)
        return communicator.output_queue.empty()

    monkeypatch.setattr(school, "register_dog", register_two)
    before = open_connections(database)

    has_no_answer = Result(lambda: asyncio.run(visit())).value()

    assert has_no_answer
    assert StoredEventRecord.objects.using(database).of("DogSchool").count() == 2
    wait_until(lambda: open_connections(database) <= before, "connections closed")


@on("default")
def test_a_view_under_atomic_requests_cannot_be_async(school, database):
    with (
        patch.dict(connections.settings[database], ATOMIC_REQUESTS=True),
        pytest.raises(RuntimeError, match="cannot use ATOMIC_REQUESTS with async views"),
    ):
        async_to_sync(AsyncClient().get)("/dogs/", {"name": "Fido"})


def test_an_application_with_events_in_memory_is_called_by_the_same_rules(settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    school = get_application(DogSchool)

    assert school.to_async is aio
    assert isinstance(async_to_sync(school.aio.register_dog)("Fido"), UUID)
    registry.reset()


def test_an_application_made_by_hand_is_called_by_the_same_rules(database):
    with DogSchool(
        {"PERSISTENCE_MODULE": "django_eventsourcing.factory", "DJANGO_DB_ALIAS": database}
    ) as school:
        with transaction.atomic(using=database):
            dog_id = async_to_sync(school.aio.register_dog)("Fido")
            transaction.set_rollback(True, using=database)

        assert dog_id not in school.repository


def test_a_function_that_is_async_already_is_refused():
    async def bark():
        return "woof"

    with pytest.raises(TypeError, match=r"<locals>\.bark is async already\. Call it as it is\."):
        aio(bark)
