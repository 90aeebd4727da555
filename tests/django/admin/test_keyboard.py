"""Everything that can be clicked is reached by the keyboard, and it is seen where one is."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser import chromium
from tests.django.admin.axe import enter

# In the long form of the tests: with others, they would keep every run from its end.
LONG = pytest.mark.stress
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

# The links, buttons and fields of the page that are shown, each with a number of its own.
NUMBER = """
const all = '#content a[href], #content button, #content summary, ' +
  '#content input:not([type=hidden]), #content select';
return [...document.querySelectorAll(all)]
  .filter(each => each.checkVisibility() && each.getClientRects().length)
  .map((each, n) => { each.dataset.number = n; return n; });
"""

# The number of what has the focus, and whether that can be seen.
FOCUSED = """
const at = document.activeElement;
const looks = getComputedStyle(at);
const inside = at.querySelector('rect');
const seen = looks.outlineStyle !== 'none' || looks.boxShadow !== 'none'
  || looks.textDecorationLine !== 'none' || at.matches("input, select")
  || (inside && getComputedStyle(inside).strokeWidth === '3px');
return [at.dataset.number, Boolean(seen), at.outerHTML.slice(0, 120)];
"""


@pytest.mark.parametrize(
    "name",
    [
        "event",
        *(pytest.param(n, marks=LONG) for n in ("systems", "follower", "stream", "dead-letter")),
    ],
)
def test_everything_is_reached_by_tab_and_seen(live_server, screens, manager, name):
    with chromium(height=1400) as driver:
        enter(driver, live_server, manager)
        driver.get(live_server.url + screens.pages[name])
        driver.execute_script("document.querySelector('[data-es-refresh] button')?.click()")
        wanted = {str(n) for n in driver.execute_script(NUMBER)}
        driver.execute_script("document.activeElement.blur(); getSelection().removeAllRanges()")
        reached, unseen = set(), []
        for _ in range(len(wanted) + 60):
            driver.switch_to.active_element.send_keys(Keys.TAB)
            number, is_seen, html = driver.execute_script(FOCUSED)
            reached.add(number)
            if number is not None and not is_seen:
                unseen.append(html)
            if wanted <= reached:
                break
    assert wanted
    assert wanted <= reached
    assert unseen == []


def test_details_are_opened_by_enter(live_server, screens, manager):
    with chromium() as driver:
        enter(driver, live_server, manager)
        driver.get(live_server.url + screens.pages["section"])
        summary = driver.find_element(By.CSS_SELECTOR, "#content summary")
        details = driver.find_element(By.CSS_SELECTOR, "#content details")
        summary.send_keys(Keys.ENTER)

        assert details.get_attribute("open")

        summary.send_keys(Keys.ENTER)
        assert not details.get_attribute("open")


def test_skip_link_leads_to_the_page_itself(live_server, screens, manager):
    with chromium() as driver:
        enter(driver, live_server, manager)
        driver.get(live_server.url + screens.pages["systems"])
        driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
        link = driver.switch_to.active_element

        assert link.text == "Skip to main content"

        link.send_keys(Keys.ENTER)
        driver.switch_to.active_element.send_keys(Keys.TAB)
        inside = "return document.getElementById('content-start').contains(document.activeElement)"
        assert driver.execute_script(inside)
