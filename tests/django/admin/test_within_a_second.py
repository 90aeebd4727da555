"""What is told in a browser is done by ``run_system`` in another process, and how soon."""

import time
from threading import Event, Thread

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connections
from selenium.webdriver.common.by import By

from django_eventsourcing import get_system
from django_eventsourcing.models import FollowerRecord, TrackingRecord
from tests.browser import chromium
from tests.databases import with_pages
from tests.django.admin.fussy import MENDED, DogSchool
from tests.django.admin.pages import follower_page
from tests.django.admin.test_browser import click, follow, log_in
from tests.django.commands.processes import Manage
from tests.django.schools import teach
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.faults]

FUSSY = follower_page("Fussy")


class Stopwatch(Thread):
    """Measures, on the record, how long after it was told something the process has done it."""

    def __init__(self, is_told, is_done):
        super().__init__(daemon=True)
        self.seconds = float("inf")
        self._conditions = (is_told, is_done)
        self._ended = Event()

    def run(self):
        try:
            times = [self._time_of(condition) for condition in self._conditions]
            if not self._ended.is_set():
                self.seconds = times[1] - times[0]
        finally:
            connections.close_all()

    def _time_of(self, condition):
        while not condition() and not self._ended.wait(0.005):
            pass
        return time.monotonic()

    @property
    def is_obeyed(self):
        return self.seconds < float("inf")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *args):
        self.join(60)
        self._ended.set()
        self.join()


@pytest.fixture
def setting(configured, settings, database):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.fussy.fussy_system",
            "DATABASE": database,
            "OPTIONS": {"ON_ERROR": {"retries": 0, "then": "stop"}},
        }
    }
    return settings.EVENTSOURCING


def press(driver, label, *, reason=""):
    driver.find_element(By.NAME, "reason").send_keys(reason)
    click(driver, By.XPATH, f"//button[.='{label}']")


@pytest.mark.long_elsewhere("postgres")
@with_pages("default", "postgres")
@pytest.mark.usefixtures("manager")
def test_orders_in_a_browser_are_obeyed_by_another_process(
    live_server, setting, database, tmp_path, record_property
):
    def record():
        return FollowerRecord.objects.using(database).get(application_name="Fussy")

    def position():
        rows = TrackingRecord.objects.using(database).filter(application_name="Fussy")
        return max(rows.values_list("notification_id", flat=True), default=0)

    def add(*tricks):
        school = get_system().get(DogSchool)
        teach(school, tricks)
        return school.recorder.max_notification_id()

    def has_failed_at(notification_id):
        # What is told of the failure before goes on being told until the next beat.
        found = record()
        return found.state == "failed" and found.notification_id == notification_id

    def measured(order, is_told, is_done):
        stopwatch = Stopwatch(is_told, is_done)
        watches[order] = stopwatch
        return stopwatch

    mended = tmp_path / "mended"
    watches = {}
    head = add("sit")
    with (
        Manage("run_system", eventsourcing=setting, env={MENDED: str(mended)}) as runner,
        chromium(height=1400) as driver,
    ):
        wait_until(lambda: position() == head, "processed", 60)
        log_in(driver, live_server)
        driver.get(live_server.url + FUSSY)

        with measured(
            "pause",
            lambda: record().desired_state == "paused",
            lambda: record().state == "paused",
        ):
            press(driver, "Pause", reason="to look at it")

        paused_at, head = head, add("beg", "roll over")
        with measured(
            "resume",
            lambda: record().desired_state == "running",
            lambda: position() == head,
        ):
            assert position() == paused_at
            press(driver, "Resume", reason="all is well")

        head = add("bad", "sit")
        wait_until(lambda: has_failed_at(head - 1), "failed", 60)
        mended.touch()
        asked, failed_at = record().retry_requested_at, position()
        driver.get(live_server.url + FUSSY)
        with measured(
            "retry",
            lambda: record().retry_requested_at != asked,
            lambda: position() == head,
        ):
            assert position() == failed_at < head
            press(driver, "Retry now", reason="mended")

        mended.unlink()
        head = add("bad", "sit")
        bad = head - 1
        wait_until(lambda: has_failed_at(bad), "failed", 60)
        failed_at = position()
        driver.get(live_server.url + FUSSY)
        follow(driver, "Skip the next event…")
        with measured("skip", lambda: position() > failed_at, lambda: position() == head):
            press(driver, "Skip this event", reason="a bad joke")

        assert runner.is_running()
    for order, watch in watches.items():
        record_property(f"{order}, {database}", watch.seconds)
    # How long it has taken is on the record, as other work on the machine can make it longer.
    assert all(watch.is_obeyed for watch in watches.values())
    history = LogEntry.objects.filter(object_id="Fussy").order_by("id")
    assert [(each.user.username, each.change_message) for each in history] == [
        ("viewer", "Paused: to look at it"),
        ("viewer", "Resumed: all is well"),
        ("viewer", "Told to retry now: mended"),
        ("viewer", f"Skipped notification {bad} of DogSchool: a bad joke"),
    ]
