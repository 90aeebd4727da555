"""What a person sees change on a page that stays open."""

import pytest
from django.contrib.sessions.models import Session
from selenium.webdriver.common.by import By

from tests.browser import chromium, screenshot, wait_for
from tests.django.admin.pages import SYSTEMS, follower_page
from tests.django.admin.records import make_events
from tests.django.admin.test_browser import log_in, text
from tests.django.status.rows import at, held, processed, told, worker_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("viewer"),
]

STOPPED = "This page shows how things were when it was refreshed last."
ENDED = "This page is not refreshed any more: you are logged out, or may not see it."


@pytest.fixture
def lagging():
    """The follower Tally, which is behind and on its way."""
    make_events(3)
    held("default", "Tally", worker=worker_in("default"))
    at("default", 1, "Tally", "Kennel")
    for minute in range(60):
        processed("default", 600 * (minute % 7), "Tally", minutes_ago=minute)


def pause():
    told("default", "Tally", desired_state="paused", desired_reason="prices, Ann")


def button(driver):
    return driver.find_element(By.CSS_SELECTOR, ".es-refresh button")


@pytest.mark.usefixtures("lagging")
def test_page_shows_what_changes_and_keeps_what_is_open_and_focused(live_server):
    with chromium() as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + SYSTEMS)
        driver.execute_script("window.isSamePage = true")
        driver.find_element(By.CSS_SELECTOR, ".es-text summary").click()
        driver.execute_script("document.querySelector('th a[href*=Tally]').focus()")
        screenshot(driver, "systems-refreshing")

        pause()
        wait_for(driver, lambda d: "Tally is paused: prices, Ann" in text(d))
        screenshot(driver, "systems-refreshed")

        assert driver.execute_script("return window.isSamePage")
        assert driver.find_element(By.CLASS_NAME, "es-text").get_attribute("open")
        assert driver.switch_to.active_element.text == "Tally"


@pytest.mark.usefixtures("lagging")
def test_refreshing_is_stopped_and_goes_on(live_server):
    with chromium() as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + SYSTEMS)
        button(driver).click()

        assert button(driver).text == "Refresh again"
        assert STOPPED in text(driver)

        pause()
        asked = "return performance.getEntriesByType('resource').length"
        before = driver.execute_script(asked)
        button(driver).click()
        wait_for(driver, lambda d: "Tally is paused: prices, Ann" in text(d))

        assert driver.execute_script(asked) == before + 1
        assert button(driver).text == "Stop refreshing"
        assert STOPPED not in text(driver)


def test_who_is_logged_out_is_told(live_server):
    with chromium() as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + SYSTEMS)
        Session.objects.all().delete()

        wait_for(driver, lambda d: ENDED in text(d))
        screenshot(driver, "systems-logged-out")

        assert "Tally is not running" in text(driver)
        assert button(driver).text == "Refresh again"


@pytest.mark.usefixtures("lagging")
def test_server_that_does_not_answer_is_told_until_it_does(live_server):
    with chromium() as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + SYSTEMS)
        driver.execute_script(
            "window.fetched = fetch; window.fetch = () => Promise.reject(Error())"
        )
        wait_for(driver, lambda d: "The server does not answer. It is tried again." in text(d))

        driver.execute_script("window.fetch = window.fetched")
        pause()
        wait_for(driver, lambda d: "Tally is paused: prices, Ann" in text(d))

        assert "The server does not answer" not in text(driver)


@pytest.mark.usefixtures("lagging")
def test_lines_of_es_status_are_copied(live_server):
    with chromium() as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + SYSTEMS)
        driver.find_element(By.CSS_SELECTOR, ".es-text summary").click()
        driver.find_element(By.CSS_SELECTOR, "[data-es-copy]").click()

        wait_for(driver, lambda d: "Copied" in text(d))


@pytest.mark.usefixtures("lagging")
def test_without_javascript_it_is_a_plain_page(live_server):
    with chromium(javascript=False) as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + SYSTEMS)

        assert "behind, catching up, about" in text(driver)
        assert not button(driver).is_displayed()
        driver.find_element(By.CSS_SELECTOR, ".es-text summary").click()
        assert not driver.find_element(By.CSS_SELECTOR, "[data-es-copy]").is_displayed()
        assert "System 'default'" in text(driver)


@pytest.mark.usefixtures("lagging")
def test_page_of_a_follower_shows_what_changes(live_server):
    with chromium() as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + follower_page("Tally"))
        driver.execute_script("window.isSamePage = true")

        pause()
        wait_for(driver, lambda d: "Tally is paused: prices, Ann" in text(d))

        assert driver.execute_script("return window.isSamePage")
