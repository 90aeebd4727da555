"""A manager rebuilds a projection in a browser; ``run_system`` in another process does it."""

import pytest
from selenium.webdriver.common.by import By

from django_eventsourcing import get_system
from django_eventsourcing.models import RebuildRequest
from tests.browser import chromium, screenshot, wait_for
from tests.databases import with_pages
from tests.django.admin.pages import follower_page, order_url
from tests.django.admin.test_browser import LOW_CONTRAST, click, follow, log_in, text
from tests.django.commands.processes import Manage
from tests.django.projections.rebuilds import add_tricks, computed, rows, spoil
from tests.django.runners.test_segments import run_once
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.faults]

BOARD = follower_page("Board")


@pytest.fixture
def router(database):
    return f"tests.django.commands.routers.To{database.capitalize()}"


@pytest.fixture
def setting(configured, settings, database, router):
    """A projection whose rows somebody has changed by hand."""
    settings.DATABASE_ROUTERS = [router]
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.projections.rebuilt.board_system", "DATABASE": database}
    }
    for _ in range(20):
        add_tricks()
    run_once(get_system())
    spoil(database)
    return settings.EVENTSOURCING


def fill_in(driver, *, reason, typed):
    driver.find_element(By.NAME, "reason").send_keys(reason)
    driver.find_element(By.NAME, "typed").send_keys(typed)
    click(driver, By.XPATH, "//button[.='Request the rebuild']")


def messages(driver):
    return driver.find_element(By.CLASS_NAME, "messagelist").text


@with_pages("default", "postgres")
@pytest.mark.usefixtures("manager")
@pytest.mark.stress
def test_manager_requests_withdraws_and_sees_a_rebuild(live_server, setting, database, router):
    env = {"TEST_ROUTERS": f'["{router}"]', "TEST_BOARD_SECONDS": "0.02"}
    with chromium(height=1400) as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + BOARD)
        follow(driver, "Rebuild…")
        screenshot(driver, "rebuild")

        fill_in(driver, reason="wrong counts", typed="board")
        assert "“board” is not the name of the follower, Board." in messages(driver)

        fill_in(driver, reason="wrong counts", typed="Board")
        screenshot(driver, "rebuild-requested")
        assert "A rebuild of Board is requested." in messages(driver)
        assert "waits: no worker runs it. Start manage.py run_system." in text(driver)

        follow(driver, "Rebuild…")
        screenshot(driver, "rebuild-withdraw")
        click(driver, By.XPATH, "//button[.='Withdraw']")
        assert "The request for a rebuild of Board is withdrawn." in messages(driver)

        follow(driver, "Rebuild…")
        fill_in(driver, reason="wrong counts", typed="Board")
        with Manage("run_system", eventsourcing=setting, env=env):
            # The page is not loaded again: it is refreshed.
            wait_for(driver, lambda d: "% of the log as it was when it was begun" in text(d))
            screenshot(driver, "rebuild-under-way")
            assert "under way, by es_rebuild (" in text(driver)
            assert "by viewer, at 2" in text(driver)
            wait_until(lambda: rows(database) == computed(), "rebuilt", 60)
            wait_for(driver, lambda d: "Begun" not in text(d))
        history = text(driver).partition("History")[2]
        assert "viewer Requested a rebuild, By shadow: wrong counts" in history
        assert "viewer Withdrew the request for a rebuild" in history
    assert not RebuildRequest.objects.using(database).exists()


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize("theme", [pytest.param("light", marks=pytest.mark.stress), "dark"])
@pytest.mark.django_db(transaction=True)
def test_pages_of_rebuilds_can_be_read_and_fit_a_phone(live_server, configured, settings, theme):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.projections.rebuilt.board_system"}
    }
    add_tricks()
    page = order_url("Board", "rebuild")
    with chromium(height=1400) as driver:
        log_in(driver, live_server)
        driver.execute_script("localStorage.setItem('theme', arguments[0])", theme)
        driver.get(live_server.url + page)
        screenshot(driver, f"{theme}-rebuild")

        assert driver.execute_script(LOW_CONTRAST) == []

        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 1400, "deviceScaleFactor": 1, "mobile": False},
        )
        driver.get(live_server.url + page)
        screenshot(driver, f"{theme}-phone-rebuild")
        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390

        fill_in(driver, reason="wrong counts", typed="Board")
        screenshot(driver, f"{theme}-phone-rebuild-requested")

        assert driver.execute_script("return document.documentElement.scrollWidth") <= 390
        assert driver.execute_script(LOW_CONTRAST) == []
