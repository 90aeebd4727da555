"""Every screen under the theme Unfold, in light and dark and narrow; run by test_unfold.py."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser import chromium, screenshot
from tests.django.admin.axe import COLOURS, enter, faults, narrow

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

HEADINGS = "return [...document.querySelectorAll('#content-main h1')].length"
BLACK = """
return [...document.querySelectorAll('.es-node rect')]
  .filter(each => getComputedStyle(each).fill === 'rgb(0, 0, 0)').length;
"""
BARE = """
return [...document.querySelectorAll('#content-main td')]
  .filter(each => getComputedStyle(each).paddingLeft === '0px').length;
"""


def test_every_screen_is_shown_under_unfold(live_server, screens, manager, client):
    found = []
    client.force_login(manager)
    with chromium() as driver:
        enter(driver, live_server, manager)
        for name, page in screens.pages.items():
            if name.endswith("fragment"):
                continue
            assert client.get(page).status_code in (200, 400), name
            driver.get(live_server.url + page)
            for theme in ("light", "dark"):
                driver.execute_script(
                    "document.documentElement.classList.remove('light', 'dark');"
                    "document.documentElement.classList.add(arguments[0]);"
                    "document.getAnimations().forEach(each => each.finish());",
                    theme,
                )
                screenshot(driver, f"unfold-{theme}-{name}")
                ours = {**COLOURS, "only": "#content-main"}
                found += [(name, theme, fault) for fault in faults(driver, ours)]
            assert driver.find_element(By.ID, "content-main")
            for fault, script, expected in (
                ("headings", HEADINGS, 1),
                ("black boxes", BLACK, 0),
                ("cells without padding", BARE, 0),
            ):
                if (number := driver.execute_script(script)) != expected:
                    found.append((name, fault, number))
            narrow(driver)
            width = driver.execute_script("return document.documentElement.scrollWidth")
            if width > 390:
                found.append((name, "width", width))
            narrow(driver, 0)
    assert not found, "\n".join(map(str, found))
