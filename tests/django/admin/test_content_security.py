"""Under a strict Content Security Policy every screen works, and hostile words do nothing."""

import pytest
from django.contrib.auth.models import Permission
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver.common.by import By

from tests.browser import chromium, post, screenshot, wait_for
from tests.django.admin.axe import enter
from tests.django.admin.pages import SYSTEMS
from tests.django.admin.screens import HOSTILE, make_screens, setting
from tests.django.admin.test_browser import text
from tests.django.status.rows import told

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
]

# What is refused by the policy is told in events, from the first of a page on.
LISTEN = """
window.refused = [];
document.addEventListener('securitypolicyviolation',
  ({violatedDirective, blockedURI, sample}) => refused.push([violatedDirective, blockedURI, sample]));
"""


@pytest.fixture
def policy(settings, live_server):
    """The server sends the policy with every page."""
    settings.MIDDLEWARE = ["tests.django.admin.strict.strict", *settings.MIDDLEWARE]
    # The server has been started with other middleware, to which it returns afterwards.
    handlers = list(_handlers(live_server.thread.httpd.get_app()))
    before = [handler._middleware_chain for handler in handlers]
    for handler in handlers:
        handler.load_middleware()
    yield
    for handler, chain in zip(handlers, before, strict=True):
        handler._middleware_chain = chain


def _handlers(handler):
    """Yield the handlers of the server, each of which may be the one that answers."""
    while handler is not None:
        if getattr(handler, "_middleware_chain", None):
            yield handler
        handler = getattr(handler, "application", None)


@pytest.fixture
def hostile(settings, manager):
    """All screens, with words that are scripts."""
    settings.EVENTSOURCING = setting(is_hostile=True)
    settings.EVENTSOURCING_ENVIRONMENT = HOSTILE
    manager.user_permissions.add(*Permission.objects.filter(codename="view_letterevent"))
    return make_screens(HOSTILE, is_hostile=True)


def refused(driver):
    return driver.execute_script("return window.refused")


def is_alerted(driver):
    try:
        return bool(driver.switch_to.alert)
    except NoAlertPresentException:
        return False


@pytest.fixture
def driver(live_server, policy, hostile, manager):
    with chromium(is_own=True) as driver:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
        enter(driver, live_server, manager)
        yield driver


def shown(driver, live_server, screens):
    """Show one screen after the other, those of forms last; yield the name of each."""
    for name, page in screens.pages.items():
        driver.get(live_server.url + page)
        yield name
    for name, (page, data) in screens.forms.items():
        post(driver, live_server.url + page, data)
        yield name


def test_every_screen_works_and_nothing_is_refused(driver, live_server, hostile):
    for name in shown(driver, live_server, hostile):
        screenshot(driver, f"hostile-{name}")

        assert not is_alerted(driver), name
        assert refused(driver) == [], name
        assert "taken over" not in driver.title.partition("<script>")[0], name
        assert driver.execute_script("return document.styleSheets.length") > 3 or "fragment" in name


def test_policy_is_in_force(driver, live_server):
    driver.get(live_server.url + SYSTEMS)
    driver.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=alert(1)>')"
    )

    wait_for(driver, lambda d: refused(d))
    assert not is_alerted(driver)
    assert refused(driver)[0][0] == "script-src-attr"


def test_page_is_refreshed_and_copied_with_hostile_words(driver, live_server):
    driver.get(live_server.url + SYSTEMS)
    driver.execute_script("window.isSamePage = true")
    told("default", f"Idle{HOSTILE}", desired_state="paused", desired_reason=f"again {HOSTILE}")

    wait_for(driver, lambda d: f"again {HOSTILE}" in text(d))
    driver.find_element(By.CSS_SELECTOR, ".es-text summary").click()
    driver.find_element(By.CSS_SELECTOR, "[data-es-copy]").click()
    wait_for(driver, lambda d: "Copied" in text(d))

    assert driver.execute_script("return window.isSamePage")
    assert not is_alerted(driver)
    assert refused(driver) == []
