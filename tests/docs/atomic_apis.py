"""Tests of the APIs in docs/how-to, to be run in their projects, under ``ATOMIC_REQUESTS``."""

from importlib import import_module
from unittest import mock
from uuid import uuid4

from django.db import connection, connections
from django.test import TransactionTestCase
from school.applications import DogSchool

from django_eventsourcing import get_application
from django_eventsourcing.models import StoredEventRecord

JSON = "application/json"


@mock.patch.dict(connections.settings["default"], ATOMIC_REQUESTS=True)
class AtomicTests(TransactionTestCase):
    """What a view has written is rolled back where it is answered by an error."""

    def test_rest_framework(self):
        view_set = import_module("school.api").DogViewSet

        def register_and_look(view, request):
            view.get_application().register_dog(request.data["name"])
            assert connection.in_atomic_block
            view.get_application().get_tricks(uuid4())

        with mock.patch.object(view_set, "create", register_and_look):
            response = self.client.post("/api/dogs/", {"name": "Rex"}, JSON)

        assert response.status_code == 404
        assert not StoredEventRecord.objects.exists()

    def test_ninja(self):
        missing = self.client.post(f"/api/pairs?friend={uuid4()}", {"name": "Rex"}, JSON)

        assert missing.status_code == 404
        assert not StoredEventRecord.objects.exists()

        fido = get_application(DogSchool).register_dog("Fido")
        made = self.client.post(f"/api/pairs?friend={fido}", {"name": "Rex"}, JSON)

        assert made.status_code == 200
        assert StoredEventRecord.objects.count() == 3
