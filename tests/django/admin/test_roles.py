"""What each role sees of every screen in a browser: buttons, and what events say."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser import chromium, screenshot
from tests.django.admin.axe import enter
from tests.django.admin.screens import PAYLOAD

# In the long form of the tests: with others, they would keep every run from its end.
LONG = pytest.mark.stress
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

OPERATOR = {
    "follower": {"Pause", "Retry now", "Dry-run the next event", "Retry all that is parked"},
    "follower-paused": {"Resume", "Dry-run the next event"},
    "follower-empty": {"Pause", "Dry-run the next event"},
    "follower-to-rebuild": {"Pause", "Dry-run the next event"},
    "dead-letter": {"Retry", "Retry all of the aggregate", "Dry-run"},
}
MANAGER = {
    "follower": OPERATOR["follower"] | {"Skip the next event…", "Reset…"},
    "follower-paused": OPERATOR["follower-paused"] | {"Skip the next event…", "Reset…"},
    "follower-empty": OPERATOR["follower-empty"] | {"Skip the next event…", "Reset…"},
    "follower-to-rebuild": OPERATOR["follower-to-rebuild"] | {"Skip the next event…", "Rebuild…"},
    "dead-letter": OPERATOR["dead-letter"] | {"Discard"},
    "skip": {"Skip this event"},
    "reset-plan": {"Reset"},
    "rebuild": {"Withdraw", "Request the rebuild"},
}
BUTTONS = {"outsider": {}, "viewer": {}, "operator": OPERATOR, "manager": MANAGER}
FOR_MANAGERS = {"skip", "reset", "reset-plan", "reset-impossible", "reset-errors", "rebuild"}
HOLD_PAYLOADS = {
    "event-first",
    "event-own",
    "stream",
    "stream-own",
    "section",
    "section-own",
    "snapshot",
}

LABELS = """
const orders = '#content form[method=post] button, #content a.button';
return [...document.querySelectorAll(orders)].map(each => each.textContent.trim());
"""


@pytest.mark.parametrize(
    "role",
    ["manager", *(pytest.param(r, marks=LONG) for r in ("outsider", "viewer", "operator"))],
)
def test_role_is_shown_what_it_may_see_and_do(live_server, screens, role, request):
    user = request.getfixturevalue(role)
    told = set()
    with chromium() as driver:
        enter(driver, live_server, user)
        for name, page in screens.pages.items():
            driver.get(live_server.url + page)
            screenshot(driver, f"{role}-{name}")
            if name in FOR_MANAGERS and role != "manager":
                assert "403" in driver.title, name
                continue

            assert driver.find_elements(By.TAG_NAME, "h1") or name.endswith("fragment")
            assert set(driver.execute_script(LABELS)) == BUTTONS[role].get(name, set()), name
            if PAYLOAD in driver.page_source:
                told.add(name)
    if role == "outsider":
        assert told == set()
    else:
        assert told >= HOLD_PAYLOADS


@pytest.mark.parametrize("role", [pytest.param("outsider", marks=LONG), "viewer"])
def test_index_of_the_admin_leads_viewers_to_every_list(live_server, screens, role, request):
    user = request.getfixturevalue(role)
    with chromium() as driver:
        enter(driver, live_server, user)
        driver.get(f"{live_server.url}/admin/")
        links = driver.find_elements(By.CSS_SELECTOR, ".app-django_eventsourcing th a")
        pages = [each.get_attribute("href") for each in links]

        assert len(pages) == 5
        for page in pages:
            driver.get(page)
            assert driver.find_element(By.ID, "content-main")
        assert not driver.find_elements(By.CSS_SELECTOR, ".addlink, .changelink, .deletelink")
