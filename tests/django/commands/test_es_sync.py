"""``manage.py es_sync``: what it says, and how it ends."""

import pytest

from django_eventsourcing import get_system, registry
from django_eventsourcing.draining import DrainTimeoutError
from django_eventsourcing.synchronous import Switching
from tests.core.school import DogSchool
from tests.django.commands.calls import call, data_of
from tests.django.schools import teach

pytestmark = pytest.mark.long_elsewhere("mariadb")


@pytest.fixture
def configured(settings, database):
    def configure(**application):
        settings.EVENTSOURCING = {
            "default": {
                "SYSTEM": "tests.django.schools.system",
                "DATABASE": database,
                "APPLICATIONS": {"Counters": application},
            }
        }
        return get_system()

    yield configure
    registry.reset()


@pytest.fixture
def head(configured):
    """Record events that nobody has processed; return the id of the last one."""
    school = configured().get(DogSchool)
    teach(school, ["sit", "beg"])
    return school.recorder.max_notification_id()


def test_on_and_off(configured, head):
    configured(SYNC=True)

    assert call("es_sync", "Counters") == (
        0,
        f"Counters: Counters paused\nCounters is synchronous after DogSchool {head:,}\n",
    )
    assert call("es_sync", "Counters") == (0, "Counters is synchronous: nothing is changed\n")
    assert call("es_sync", "Counters", "--off") == (
        0,
        f"Counters is asynchronous after DogSchool {head:,}\n",
    )
    assert call("es_sync", "Counters", "--off") == (
        0,
        "Counters is asynchronous: nothing is changed\n",
    )


def test_json(configured, head):
    configured(SYNC=True)

    assert data_of("es_sync", "Counters") == (
        0,
        {"follower": "Counters", "is_synchronous": True, "positions": {"DogSchool": head}},
    )


def test_without_the_setting_it_is_refused(configured, head):
    assert call("es_sync", "Counters") == (
        2,
        (
            "Counters is not set to be synchronous: processes would record events that it does not "
            "process.  HINT: Set SYNC to True in EVENTSOURCING['default']['APPLICATIONS']['Counters'], "
            "start all processes again, and run this then."
        ),
    )


def test_off_goes_without_the_setting(configured, head):
    configured(SYNC=True)
    call("es_sync", "Counters")
    configured()

    assert call("es_sync", "Counters", "--off")[0] == 0


def test_workers_that_do_not_rest(configured, head, monkeypatch):
    configured(SYNC=True)

    def fail(self):
        raise DrainTimeoutError("Not within 30 s: Counters at rest.")

    monkeypatch.setattr(Switching, "make_synchronous", fail)
    assert call("es_sync", "Counters") == (5, "Not within 30 s: Counters at rest.")


def test_the_status_of_a_synchronous_follower(configured, head):
    configured(SYNC=True)
    call("es_sync", "Counters")

    code, data = data_of("es_status")

    [follower] = data["systems"][0]["followers"]
    assert code == 0
    assert follower["verdict"] == "caught up"
    assert follower["words"] == (
        "Counters is synchronous: it processes in the transactions that record"
    )
    [pipe] = follower["pipes"]
    assert (pipe["position"], pipe["head"], pipe["behind"]) == (head, head, 0)
    assert pipe["is_synchronous"]
    assert call("es_health")[0] == 0


def test_the_status_where_the_settings_say_otherwise(configured, head):
    configured(SYNC=True)
    call("es_sync", "Counters")
    configured()

    _, text = call("es_status")

    assert "Counters is left alone by workers: Counters is synchronous" in text
    assert "es_sync Counters --off" in text


@pytest.mark.parametrize("command", ["es_pause", "es_skip"])
def test_what_is_for_workers_is_refused(configured, head, command):
    configured(SYNC=True)
    call("es_sync", "Counters")

    assert call(command, "Counters", "--reason=prices") == (
        2,
        (
            "Counters is synchronous: it processes what DogSchool records in the transaction that "
            "records it.  HINT: To let 'manage.py run_system' process it, or to rebuild, verify or "
            "split it, run 'manage.py es_sync Counters --off' first."
        ),
    )


def test_run_system_has_nothing_to_do_for_it(configured, head):
    configured(SYNC=True)
    call("es_sync", "Counters")

    code, text = call("run_system", "--once")

    assert code == 0, text
    [line] = [line for line in text.splitlines() if line.startswith("Counters  DogSchool")]
    at = f"{head:,}"
    assert line.split() == ["Counters", "DogSchool", at, at, "0", "-", "synchronous"]


def test_verifying_leaves_it_out(settings, database):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.projections.boards.board_system",
            "DATABASE": database,
            "APPLICATIONS": {"Board": {"SYNC": True}},
        }
    }
    from tests.django.projections.conftest import Sending

    settings.DATABASE_ROUTERS = [Sending(database)]
    teach(get_system().get(DogSchool), ["sit"])

    code, text = call("es_verify")
    assert code == 0, text
    assert "Board: left out: Board is synchronous" in text
    code, text = call("es_verify", "Board")
    assert code == 2
    assert "es_sync Board --off" in text
    registry.reset()
