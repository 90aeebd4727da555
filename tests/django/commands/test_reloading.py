"""Development: ``run_system`` begins anew when code changes, and ``runserver`` carries followers."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path
from socket import socket

import pytest

from django_eventsourcing import get_system, registry
from django_eventsourcing.carrying import _stop_line
from django_eventsourcing.runners.report import PipeReport, State
from django_eventsourcing.runserver import is_serving
from tests.databases import on
from tests.touching import Touched
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]

FILES = {
    "settings.py": """
SECRET_KEY = "for this test"
DEBUG = True
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django_eventsourcing", "kennel"]
LOGGING = {
    "version": 1,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django_eventsourcing": {"handlers": ["console"], "level": "INFO"}},
}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
EVENTSOURCING = {
    "default": {
        "PIPES": [["kennel.models.Kennel", "kennel.models.Barking"]],
        "OPTIONS": {"POLL_INTERVAL": 0.05, "RUN_IN_RUNSERVER": True},
    }
}
""",
    "urls.py": """
from django.http import HttpResponse
from django.urls import path

from django_eventsourcing import get_application
from kennel.models import Kennel

def register(request):
    get_application(Kennel).register()
    return HttpResponse("registered")

urlpatterns = [path("", register)]
""",
    "register.py": """
import django
django.setup()
from django_eventsourcing import get_application
from kennel.models import Kennel
get_application(Kennel).register()
""",
    "kennel/__init__.py": "",
    "kennel/models.py": """
from pathlib import Path

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.system import ProcessApplication

class Dog(Aggregate):
    pass

class Kennel(Application):
    def register(self):
        self.save(Dog())

class Barking(ProcessApplication):
    def policy(self, domain_event, processing_event):
        with Path("barks").open("a") as barks:
            barks.write("woof\\n")
""",
}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """Return the project's files, with its database migrated."""
    directory = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    assert run(directory, "-m", "django", "migrate").wait(60) == 0
    return directory


@pytest.fixture
def project(migrated, tmp_path):
    # What has been compiled would be taken for the module, as long as its size and second stay.
    ignored = shutil.ignore_patterns("__pycache__", "output")
    return shutil.copytree(migrated, tmp_path, ignore=ignored, dirs_exist_ok=True)


def run(project, *args):
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": f"{project}{os.pathsep}{ROOT}",
    }
    output = (project / "output").open("w")
    return subprocess.Popen(
        [sys.executable, *args], cwd=project, env=env, stdout=output, stderr=subprocess.STDOUT
    )


def register(project):
    assert run(project, "register.py").wait(60) == 0


def barks(project):
    path = project / "barks"
    return path.read_text().split() if path.exists() else []


def workers(project):
    with closing(sqlite3.connect(project / "db.sqlite3", timeout=20)) as connection:
        return connection.execute(
            "SELECT pid, name FROM django_eventsourcing_workerrecord"
        ).fetchall()


def pids(project):
    return [pid for pid, _ in workers(project)]


def test_a_change_of_code_starts_it_anew_and_a_signal_ends_it(project):
    runner = run(project, "-m", "django", "run_system")
    output = project / "output"
    try:
        wait_until(lambda: len(workers(project)) == 1, "started", 60)
        [first] = pids(project)
        assert first != runner.pid
        output.rename(project / "output of the runner")
        register(project)
        wait_until(lambda: barks(project) == ["woof"], "barked")

        module = project / "kennel" / "models.py"
        module.write_text(module.read_text().replace("woof", "wow"))
        touched = Touched(module)
        wait_until(
            lambda: touched.again() and pids(project) not in ([], [first]),
            "started anew",
            60,
        )
        register(project)
        wait_until(lambda: barks(project) == ["woof", "wow"], "barked otherwise")

        runner.send_signal(signal.SIGTERM)
        assert runner.wait(20) == 0
        assert workers(project) == []
    finally:
        runner.kill()
        runner.wait()


@pytest.mark.parametrize(
    ("name", "broken", "told"),
    [
        ("policies", "class Barking(:", "'kennel.policies.Barking', which cannot be imported"),
        pytest.param("policies", "Baaking = 1 / 0", "ZeroDivisionError", marks=pytest.mark.stress),
        pytest.param(
            "models",
            "class Dog(:",
            "is started again in 1 s, or when code changes",
            marks=pytest.mark.stress,
        ),
    ],
)
def test_the_mending_of_a_file_that_failed_to_import_is_noticed(project, name, broken, told):
    (project / "kennel" / "policies.py").write_text("from kennel.models import Barking\n")
    settings = project / "settings.py"
    settings.write_text(settings.read_text().replace("models.Barking", "policies.Barking"))
    module = project / "kennel" / f"{name}.py"
    good = module.read_text()
    runner = run(project, "-m", "django", "run_system", "--reload")
    output = project / "output"
    try:
        wait_until(lambda: len(workers(project)) == 1, "started", 60)
        [first] = pids(project)

        module.write_text(broken)
        touched = Touched(module)
        wait_until(lambda: touched.again() and told in output.read_text(), "failed", 60)
        module.write_text(good)
        mended = Touched(module)
        wait_until(
            lambda: mended.again() and pids(project) not in ([], [first]), "started anew", 60
        )
    finally:
        runner.terminate()
        assert runner.wait(20) == 0


def test_noreload_runs_in_the_process_itself(project):
    runner = run(project, "-m", "django", "run_system", "--noreload")
    try:
        wait_until(lambda: [pid for pid, _ in workers(project)] == [runner.pid], "started", 60)
    finally:
        runner.terminate()
        assert runner.wait(20) == 0


def test_a_fault_is_told_and_waited_for_to_go_away(project):
    settings = project / "settings.py"
    good = settings.read_text()
    settings.write_text(good.replace("kennel.models.Barking", "kennel.models.Baking"))
    runner = run(project, "-m", "django", "run_system", "--reload")
    try:
        assert runner.wait(20) == 1
        assert "kennel.models.Baking" in (project / "output").read_text()
    finally:
        runner.kill()
        runner.wait()


def serve(project, port, *options):
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": f"{project}{os.pathsep}{ROOT}",
    }
    with (project / "terminal").open("w") as terminal:
        return subprocess.Popen(
            [sys.executable, "-m", "django", "runserver", f"127.0.0.1:{port}", *options],
            cwd=project,
            env=env,
            stdout=terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@pytest.fixture
def port():
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("options", [[], pytest.param(["--noreload"], marks=pytest.mark.stress)])
def test_runserver_carries_the_followers(project, port, options):
    server = serve(project, port, *options)
    try:
        wait_until(lambda: answers(server, port), "the first answer", 60)
        wait_until(lambda: len(barks(project)) == 1, "barked")
        assert [name for _, name in workers(project)] == ["runserver"]

        os.killpg(server.pid, signal.SIGINT)
        server.wait(20)
        wait_until(lambda: workers(project) == [], "stopped")
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def test_followers_of_runserver_are_imported_where_the_project_is(project):
    # Elsewhere, modules that import each other could be entered at two points at once.
    (project / "kennel" / "policies.py").write_text(
        "import threading\n"
        "from kennel.models import Barking as Loud\n"
        "class Barking(Loud):\n"
        "    imported_by = threading.current_thread().name\n"
    )
    settings = project / "settings.py"
    settings.write_text(settings.read_text().replace("models.Barking", "policies.Barking"))
    (project / "look.py").write_text(
        "import sys\n"
        "import django\n"
        "sys.argv = ['manage.py', 'runserver', '--noreload']\n"
        "django.setup()\n"
        "print(sys.modules['kennel.policies'].Barking.imported_by)\n"
    )
    assert run(project, "look.py").wait(60) == 0
    assert (project / "output").read_text().splitlines()[0] == "MainThread"


@pytest.mark.parametrize(
    ("options", "when"),
    [
        ([], "code changes"),
        pytest.param(["--noreload"], "the server is started again", marks=pytest.mark.stress),
    ],
)
def test_runserver_tells_at_the_terminal_what_has_stopped(project, port, options, when):
    module, settings = project / "kennel" / "models.py", project / "settings.py"
    module.write_text(module.read_text().replace('barks.write("woof\\n")', "1 / 0"))
    # The line does not depend on the log, which a project may write elsewhere.
    text = settings.read_text().replace("logging.StreamHandler", "logging.NullHandler")
    settings.write_text(
        text.replace('"OPTIONS": {"POLL', '"OPTIONS": {"ON_ERROR": {"retries": 0}, "POLL')
    )
    server = serve(project, port, *options)
    try:
        wait_until(lambda: answers(server, port), "the first answer", 60)
        wait_until(lambda: "has stopped" in (project / "terminal").read_text(), "told")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()

    [line] = [
        line for line in (project / "terminal").read_text().splitlines() if "has stopped" in line
    ]
    assert line == (
        "Barking has stopped: failed at Kennel 1 (kennel.models:Dog.Created): ZeroDivisionError: "
        f"division by zero.  HINT: Mend the cause: it tries again when {when}, or by 'manage.py "
        "es_retry Barking'."
    )


@pytest.fixture
def line_of(settings, database):
    """Return what is told of a follower in this state."""
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": database}
    }

    def line_of(state, reason=""):
        report = PipeReport(
            follower="Counters",
            upstream="DogSchool",
            position=1,
            head=2,
            processed=1,
            rate=1.0,
            state=state,
            reason=reason,
        )
        return _stop_line(get_system(), report)

    yield line_of
    registry.reset()


@on("default")
@pytest.mark.parametrize(
    ("state", "reason", "line"),
    [
        (State.RUNNING, "", ""),
        (State.STAND_BY, "", ""),
        (State.STOPPED, "", ""),
        (
            State.PAUSED,
            "",
            (
                "Counters is paused.  HINT: See why by 'manage.py es_status'; let it go on by "
                "'manage.py es_resume Counters'."
            ),
        ),
        (
            State.DIED,
            "MemoryError",
            (
                "Counters has stopped: MemoryError.  HINT: Mend the cause: it tries again when the "
                "server is started again."
            ),
        ),
        (
            State.REFUSED,
            "It is set to 4.  HINT: Run it.",
            "Counters has stopped: It is set to 4.  HINT: Run it.",
        ),
    ],
)
def test_what_has_stopped_is_told_with_how_it_goes_on(line_of, state, reason, line):
    assert line_of(state, reason) == line


@on("default")
def test_what_is_kept_in_memory_cannot_be_told_from_outside(line_of, settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }

    assert line_of(State.FAILED, "failed").endswith(" again when the server is started again.")


def answers(server, port):
    assert server.poll() is None, "The server has ended: see the file 'terminal'."
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return response.read() == b"registered"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("arguments", "environ", "is_it"),
    [
        (["manage.py", "runserver"], {}, False),
        (["manage.py", "runserver"], {"RUN_MAIN": "true"}, True),
        (["manage.py", "runserver", "--noreload"], {}, True),
        (["manage.py", "run_system"], {"RUN_MAIN": "true"}, False),
        (["manage.py"], {}, False),
        (["gunicorn", "school.wsgi"], {}, False),
    ],
)
def test_only_the_process_that_serves_carries_them(arguments, environ, is_it):
    assert is_serving(arguments, environ) is is_it
