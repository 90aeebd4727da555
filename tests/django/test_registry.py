"""Registry: systems and applications are built once, when asked for, and found by class or name."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import ExceptionReporter

import django_eventsourcing
from django_eventsourcing import applications, get_application, get_system, registry, systems
from eventsourcing.application import Application
from eventsourcing.system import Leader
from tests.core.school import Dog
from tests.django.schools import Counters, DogSchool, Namesake, Tally

MEMORY = {"PERSISTENCE_MODULE": "eventsourcing.popo"}


@pytest.fixture(autouse=True)
def school(settings):
    settings.EVENTSOURCING = {"default": {"SYSTEM": "tests.django.schools.system", "ENV": MEMORY}}
    yield
    registry.reset()


def test_an_application_is_found_by_its_class():
    school = get_application(DogSchool)

    assert isinstance(school, DogSchool)
    assert get_application(DogSchool) is school


def test_an_application_is_found_by_its_name():
    assert applications["DogSchool"] is get_application(DogSchool)
    assert get_application("Counters") is get_application(Counters)


def test_applications_can_be_prompted():
    assert isinstance(get_application(DogSchool), Leader)


def test_applications_and_systems_are_mappings():
    assert list(applications) == ["DogSchool", "Counters"]
    assert len(applications) == 2
    assert "Nobody" not in applications
    assert applications.get("Nobody") is None
    assert list(systems) == ["default"]
    assert len(systems) == 1
    assert "other" not in systems
    assert systems["default"] is get_system()


def test_a_system_knows_its_parts():
    system = get_system()

    assert system.alias == "default"
    assert list(system.applications) == ["DogSchool", "Counters"]
    assert system.applications["Counters"] is get_application(Counters)
    assert len(system.applications) == 2
    assert system.database_of("DogSchool") == "default"
    assert system.databases == []
    assert not system.is_persisted("DogSchool")
    assert repr(system) == "<ConfiguredSystem 'default': DogSchool, Counters>"


def test_nothing_is_built_before_it_is_asked_for(monkeypatch):
    built = []
    original = Application.__init__

    def noted(self, env=None):
        built.append(self.name)
        original(self, env)

    monkeypatch.setattr(Application, "__init__", noted)

    system = get_system()
    assert built == []
    system.get(DogSchool)
    assert built == ["DogSchool"]


def test_many_threads_get_the_same_one(monkeypatch):
    built = []
    count = 8
    barrier = threading.Barrier(count)
    original = Application.__init__

    def slow(self, env=None):
        built.append(self)
        original(self, env)

    monkeypatch.setattr(Application, "__init__", slow)

    def ask(_):
        barrier.wait()
        return get_application(DogSchool)

    with ThreadPoolExecutor(count) as pool:
        found = set(map(id, pool.map(ask, range(count))))

    assert len(found) == 1
    assert len(built) == 1


def test_a_change_of_settings_builds_anew(settings):
    before = get_application(DogSchool)

    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.schools.long_system", "ENV": MEMORY}
    }

    assert get_application(DogSchool) is not before
    assert before.closing.is_set()
    assert list(applications) == ["DogSchool", "Counters", "Tally"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_builds_its_own_while_a_thread_of_the_parent_holds_the_lock():
    before = get_application(DogSchool)
    held, release = threading.Event(), threading.Event()

    def hold():
        with registry._registry.lock:
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    pid = os.fork()
    if pid == 0:
        is_new = get_application(DogSchool) is not before
        os._exit(0 if is_new and not before.closing.is_set() else 1)
    release.set()
    holder.join()
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert get_application(DogSchool) is before


def test_a_class_that_no_system_has_is_named_with_the_systems():
    with pytest.raises(ImproperlyConfigured) as caught:
        get_application(Tally)

    assert str(caught.value) == (
        "tests.core.school.Tally is not an application of a configured system ('default' has "
        "DogSchool, Counters).  HINT: Add it to a pipe of a system in EVENTSOURCING, or ask for "
        "the class that is there."
    )


@pytest.mark.parametrize("something", [None, 3, Dog])
def test_what_is_neither_a_class_of_an_application_nor_a_name_is_shown(something):
    with pytest.raises(TypeError) as caught:
        get_application(something)

    assert str(caught.value) == (
        f"{something!r} is not the class of an application, nor a name.  HINT: Give the class that "
        "a system of EVENTSOURCING has, or its name."
    )


def test_an_application_is_asked_for_by_its_class():
    with pytest.raises(TypeError, match="DogSchool object at .* is not the class of an applic"):
        get_application(get_application(DogSchool))


def test_a_namesake_is_not_taken_for_the_application():
    with pytest.raises(ImproperlyConfigured, match="tests.django.schools.Namesake is not an"):
        get_application(Namesake)


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(ImproperlyConfigured) as caught:
        applications["DogShool"]

    assert str(caught.value) == (
        "There is no application 'DogShool' in the configured systems.  "
        "HINT: Did you mean 'DogSchool'?"
    )


def test_an_unknown_system_is_told_with_the_nearest():
    for ask in (get_system, systems.__getitem__):
        with pytest.raises(ImproperlyConfigured) as caught:
            ask("defualt")

        assert str(caught.value) == (
            "There is no system 'defualt' in EVENTSOURCING.  HINT: Did you mean 'default'?"
        )


def test_without_systems_the_message_says_so(settings):
    del settings.EVENTSOURCING

    with pytest.raises(ImproperlyConfigured, match=r"configured system \(there is none\)"):
        get_application(DogSchool)


def test_applications_of_a_good_system_are_found_beside_a_faulty_one(settings):
    settings.EVENTSOURCING = {"bad": {"SYTEM": "x"}, **settings.EVENTSOURCING}

    assert isinstance(get_application(DogSchool), DogSchool)
    with pytest.raises(ImproperlyConfigured, match=r"\['bad'\] has the unknown key 'SYTEM'"):
        get_application(Tally)


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="module 'django_eventsourcing' has no attribute 'x'"):
        _ = django_eventsourcing.x


@pytest.mark.parametrize("key", ["not a key, but a secret", "YSBzZWNyZXQ="])
def test_djangos_page_about_an_error_does_not_tell_a_wrong_key(settings, db, key):
    env = {"CIPHER_KEY": key}
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.schools.system",
            "ENV": env,
            "APPLICATIONS": {"DogSchool": {"ENV": env}},
        }
    }
    settings.DEBUG = True
    with pytest.raises(ValueError) as caught:
        get_application(DogSchool)

    # Without this function, which knows the key.
    inner = caught.value.__traceback__.tb_next
    page = unescape(ExceptionReporter(None, ValueError, caught.value, inner).get_traceback_html())

    assert "<Environment 'DogSchool': " in page
    assert key not in page
