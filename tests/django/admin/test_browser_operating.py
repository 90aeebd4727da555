"""What a manager does in a browser about a follower that has stopped, and sees of it afterwards."""

import pytest
from selenium.webdriver.common.by import By

from django_eventsourcing import get_system
from django_eventsourcing.models import DeadLetterRecord
from tests.browser import chromium, screenshot
from tests.django.admin.clerking import CLERK, SETTING, letter_page, letters, park, teach
from tests.django.admin.pages import order_url
from tests.django.admin.test_browser import LOW_CONTRAST, click, follow, log_in, text
from tests.django.dead_letters.clerks import Clerk
from tests.django.status.rows import at, ids_of, told

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

SCRIPT = "<script>document.title='taken over'</script>"


@pytest.fixture
def stopped(configured, settings):
    """A clerk that has stopped at a bad trick; return the ids of its notification and the last."""
    settings.EVENTSOURCING = SETTING
    teach("good", f"bad {SCRIPT}", "after")
    *_, before, bad, last = ids_of("default")
    at("default", before, "Clerk")
    told(
        "default",
        "Clerk",
        state="failed",
        error=f"ValueError: cannot write down bad {SCRIPT}",
        traceback=f'File "clerks.py", line 7\n    {SCRIPT}',
        upstream_name="DogSchool",
        notification_id=bad,
        attempts=3,
    )
    return bad, last


def messages(driver):
    return driver.find_element(By.CLASS_NAME, "messagelist").text


def press(driver, label):
    click(driver, By.XPATH, f"//button[.='{label}']")


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("javascript", [True, pytest.param(False, marks=pytest.mark.stress)])
def test_manager_pauses_tries_and_skips(live_server, stopped, javascript):
    bad, _last = stopped
    with chromium(javascript=javascript, height=1400) as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + CLERK)
        driver.find_element(By.NAME, "reason").send_keys("to look at it")
        press(driver, "Pause")
        screenshot(driver, "manager-paused")

        assert "Clerk is paused." in messages(driver)
        assert f"Notification {bad} of DogSchool" in text(driver)

        press(driver, "Dry-run the next event")
        screenshot(driver, "manager-dry-run")

        assert "it would fail" in text(driver)
        assert f"cannot write down bad {SCRIPT}" in text(driver)
        assert not letters()

        follow(driver, "Clerk")
        follow(driver, "Skip the next event…")
        screenshot(driver, "manager-skip")

        assert f"Clerk would go on after notification {bad} of DogSchool" in text(driver)

        driver.find_element(By.NAME, "reason").send_keys(f"a joke {SCRIPT}")
        press(driver, "Skip this event")
        screenshot(driver, "manager-skipped")

        assert f"Clerk goes on after notification {bad} of DogSchool." in messages(driver)
        history = text(driver).partition("History")[2]
        assert f"viewer Skipped notification {bad} of DogSchool: a joke {SCRIPT}" in history
        assert f"viewer Dry-run of notification {bad} of DogSchool" in history
        assert "viewer Paused: to look at it" in history
        assert "taken over" not in driver.title
    assert get_system().get(Clerk).recorder.max_tracking_id("DogSchool") == bad
    assert [each.status for each in letters()] == ["skipped"]


@pytest.mark.usefixtures("manager")
def test_manager_discards_a_letter_and_retries_the_one_behind_it(live_server, configured, settings):
    settings.EVENTSOURCING = SETTING
    park("good", f"bad {SCRIPT}", "after")
    bad, after = letters()
    with chromium(height=1400) as driver:
        log_in(driver, live_server)
        follow(driver, "Dead letters")
        screenshot(driver, "manager-letters")
        follow(driver, str(bad.pk))
        screenshot(driver, "manager-letter")

        assert f"cannot write down bad {SCRIPT}" in text(driver)

        driver.find_element(By.NAME, "reason").send_keys("a joke")
        press(driver, "Discard")

        assert f"Notification {bad.notification_id} of DogSchool is discarded." in messages(driver)
        assert "a joke (by viewer)" in text(driver)

        driver.get(live_server.url + letter_page(after))
        press(driver, "Retry")
        screenshot(driver, "manager-retried")

        assert "1 notification has been processed." in messages(driver)
        assert "taken over" not in driver.title
    assert set(DeadLetterRecord.objects.values_list("status", flat=True)) == {
        "discarded",
        "processed",
    }


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("theme", [pytest.param("light", marks=pytest.mark.stress), "dark"])
def test_pages_of_managers_can_be_read_and_fit_a_phone(live_server, stopped, theme, settings):
    skip = order_url("Clerk", "skip")
    reset = f"{order_url('Clerk', 'reset')}?upstream=DogSchool&to=1"
    with chromium(height=1400) as driver:
        log_in(driver, live_server)
        driver.execute_script("localStorage.setItem('theme', arguments[0])", theme)
        for name, page in (("follower", CLERK), ("skip", skip), ("reset", reset)):
            driver.get(live_server.url + page)
            screenshot(driver, f"{theme}-manager-{name}")

            assert driver.execute_script(LOW_CONTRAST) == []

        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 1400, "deviceScaleFactor": 1, "mobile": False},
        )
        for name, page in (("follower", CLERK), ("skip", skip), ("reset", reset)):
            driver.get(live_server.url + page)
            screenshot(driver, f"{theme}-phone-{name}")

            assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
