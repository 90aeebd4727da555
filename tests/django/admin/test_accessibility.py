"""No screen has a fault that keeps people out: as axe finds them, in light, dark and narrow."""

import pytest

from tests.browser import chromium, post
from tests.django.admin.axe import BUT_COLOURS, COLOURS, enter, faults, in_theme, narrow
from tests.django.admin.clerking import LETTERS
from tests.django.admin.pages import (
    CATALOGUE,
    EVENTS,
    LOGS,
    POSITIONS,
    SNAPSHOTS,
    SYSTEMS,
    TRACE,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

EMPTY = [SYSTEMS, CATALOGUE, EVENTS, LOGS, POSITIONS, SNAPSHOTS, TRACE, LETTERS]
WIDTH = "return document.documentElement.scrollWidth"


def found_on(driver, name):
    """Return the faults of the page that is shown, in light, dark, and as narrow as a phone."""
    for details in driver.find_elements("css selector", "details"):
        driver.execute_script("arguments[0].open = true", details)
    in_theme(driver, "light")
    found = [("light", fault) for fault in faults(driver)]
    in_theme(driver, "dark")
    found += [("dark", fault) for fault in faults(driver, COLOURS)]
    narrow(driver)
    found += [("narrow", fault) for fault in faults(driver, BUT_COLOURS)]
    if (width := driver.execute_script(WIDTH)) > 390:
        found.append(("narrow", f"is {width} pixels wide"))
    narrow(driver, 0)
    return [f"{name}, {how}: {fault}" for how, fault in found]


def test_no_screen_has_a_serious_fault(live_server, screens, manager):
    found = []
    with chromium() as driver:
        enter(driver, live_server, manager)
        for name, page in screens.pages.items():
            if not name.endswith("fragment"):
                driver.get(live_server.url + page)
                found += found_on(driver, name)
        for name, (page, data) in screens.forms.items():
            # The other forms lead back to pages that are among those above.
            if name.startswith("dry-run"):
                post(driver, live_server.url + page, data)
                assert "Dry-run" in driver.title, name
                found += found_on(driver, name)
    assert not found, "\n".join(found)


def test_no_empty_screen_has_a_serious_fault(live_server, manager, settings):
    settings.EVENTSOURCING = {}
    found = []
    with chromium() as driver:
        enter(driver, live_server, manager)
        for page in EMPTY:
            driver.get(live_server.url + page)
            found += found_on(driver, page)
    assert not found, "\n".join(found)
