"""The development server: aggregates in a module like models.py are loaded again when it changes."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from socket import socket

import pytest

from tests.touching import Touched
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]

FILES = {
    "settings.py": """
SECRET_KEY = "for this test"
DEBUG = True
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django_eventsourcing", "kennel"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
EVENTSOURCING = {"default": {"PIPES": [["kennel.models.Kennel"]]}}
""",
    "urls.py": """
from django.http import HttpResponse
from django.urls import path

from django_eventsourcing import get_application
from kennel.models import Kennel

def names(request):
    kennel = get_application(Kennel)
    kennel.register()
    return HttpResponse(" ".join(kennel.all()))

urlpatterns = [path("", names)]
""",
    "kennel/__init__.py": "",
    "kennel/models.py": """
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

class Dog(Aggregate):
    @event("Registered")
    def __init__(self, name):
        self.name = name.upper()

class Kennel(Application):
    def register(self):
        self.save(Dog("Fido"))

    def all(self):
        notifications = self.recorder.select_notifications(None, 100)
        return [self.repository.get(n.originator_id).name for n in notifications]
""",
}


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def manage(project, *args):
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": f"{project}{os.pathsep}{ROOT}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "django", *args],
        cwd=project,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture
def address(project):
    assert manage(project, "migrate").wait(60) == 0
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = manage(project, "runserver", f"127.0.0.1:{port}")
    yield f"http://127.0.0.1:{port}/"
    # The server runs in a child of the process that watches the files.
    os.killpg(server.pid, 15)
    server.wait(20)


def answer(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.read().decode()
    except OSError:
        return ""


def test_events_recorded_before_a_change_are_read_by_the_changed_aggregate(project, address):
    wait_until(lambda: answer(address).startswith("FIDO"), "the server's first answer")
    module = project / "kennel" / "models.py"

    module.write_text(module.read_text().replace("name.upper()", "f'{name}!'"))

    touched = Touched(module)
    wait_until(
        lambda: touched.again() and answer(address).startswith("Fido!"),
        "the changed aggregate's answer",
        timeout=60,
    )
