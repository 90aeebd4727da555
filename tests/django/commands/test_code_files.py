"""Files of code: those that fail to import are watched, and a change of those loaded is seen."""

import os

import pytest
from django.utils import autoreload

from django_eventsourcing import registry
from django_eventsourcing.management.reloading import CodeFiles, watch_what_fails


@pytest.fixture
def broken(settings, tmp_path, monkeypatch):
    """Write a module that fails to import, and name it in the settings; return its file."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(autoreload, "_error_files", [])
    monkeypatch.setattr(autoreload, "_exception", None)

    def write(text, **setting):
        module = tmp_path / "broken_kennel.py"
        module.write_text(text)
        settings.EVENTSOURCING = {
            "default": {"SYSTEM": "tests.django.schools.system", "DATABASE": "default", **setting}
        }
        return module

    yield write
    registry.reset()


@pytest.mark.parametrize(
    "text",
    [
        "class Dog(:",
        "1 / 0",
        # It fails in the library, which is not what is to be mended.
        "from eventsourcing.domain import Aggregate, event\nclass Dog(Aggregate):\n  x = event(1)",
    ],
)
@pytest.mark.parametrize("key", ["SYSTEM", "RUNNER"])
def test_a_module_that_fails_to_import_is_watched(broken, text, key):
    module = broken(text, **{key: "broken_kennel.Kennel"})

    watch_what_fails()

    assert module in autoreload.iter_all_python_module_files()


def test_where_nothing_fails_nothing_more_is_watched(broken):
    broken("")
    before = autoreload.iter_all_python_module_files()

    watch_what_fails()

    assert autoreload.iter_all_python_module_files() == before


def test_faults_of_the_settings_alone_lead_to_no_file(broken, settings):
    module = broken("1 / 0")
    settings.EVENTSOURCING = {"default": {"SYTEM": "broken_kennel.Kennel"}}

    watch_what_fails()

    assert module not in autoreload.iter_all_python_module_files()


def test_a_change_of_code_is_seen(tmp_path, monkeypatch):
    module, gone = tmp_path / "kennel.py", tmp_path / "gone.py"
    module.touch()
    monkeypatch.setattr(autoreload, "iter_all_python_module_files", lambda: {module, gone})

    files = CodeFiles(look=0.0)

    assert not files.have_changed()
    os.utime(module, (1, 1))
    assert files.have_changed()


def test_the_disk_is_asked_once_in_a_while(tmp_path, monkeypatch):
    module = tmp_path / "kennel.py"
    module.touch()
    monkeypatch.setattr(autoreload, "iter_all_python_module_files", lambda: {module})

    files = CodeFiles(look=600.0)
    os.utime(module, (1, 1))

    assert not files.have_changed()
