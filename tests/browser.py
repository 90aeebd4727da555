"""Browser: Chromium without a window, for tests of what a person sees."""

import atexit
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

__all__ = ["chromium", "post", "screenshot", "wait_for", "wait_for_next_page"]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
)
SEND = """
const [url, data] = arguments;
const form = document.createElement('form');
Object.assign(form, {method: 'post', action: url});
form.append(document.querySelector('[name=csrfmiddlewaretoken]').cloneNode());
for (const [name, value] of Object.entries(data)) {
  form.append(Object.assign(document.createElement('input'), {type: 'hidden', name, value}));
}
document.body.append(form);
form.submit();
"""
ADVICE = "Chromium is not installed: apt-get install chromium chromium-driver"


@contextmanager
def chromium(
    *, width: int = 1280, height: int = 900, javascript: bool = True, is_own: bool = False
) -> Iterator[webdriver.Chrome]:
    """
    Yield a driver of a Chromium that knows nothing from before.

    To start one takes seconds, so a process keeps those that it has started, and lets them forget
    what a test has left; ``is_own`` starts one for the test alone. Where there is no Chromium the
    test is skipped; under CI=true it fails.
    """
    if is_own:
        with _started(javascript) as driver:
            driver.set_window_size(width, height)
            yield driver
        return
    driver = _kept.get(javascript)
    if driver is None:
        driver = _kept[javascript] = _stack.enter_context(_started(javascript))
    driver.set_window_size(width, height)
    try:
        yield driver
    finally:
        try:
            _forget(driver)
        except WebDriverException:
            # It is of no use to the next test; the process ends it with the others.
            del _kept[javascript]


_kept: dict[bool, webdriver.Chrome] = {}
_stack = ExitStack()
atexit.register(_stack.close)


@contextmanager
def _started(javascript: bool) -> Iterator[webdriver.Chrome]:
    browser, program = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(ADVICE, pytrace=False)
        pytest.skip(ADVICE)
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        if not javascript:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2}
            )
        service = webdriver.ChromeService(executable_path=program)
        chrome = webdriver.Chrome(options=options, service=service)
        try:
            # What a page takes to load, not what a test waits for.
            chrome.set_page_load_timeout(60)
            yield chrome
        finally:
            chrome.quit()


def _forget(driver: webdriver.Chrome) -> None:
    """Let the browser be as if it had just been started."""
    first, *others = driver.window_handles
    for handle in others:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(first)
    origin = driver.execute_script("return location.origin")
    driver.get("about:blank")
    if origin and origin != "null":
        driver.execute_cdp_cmd(
            "Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"}
        )
    driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
    driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def wait_for(driver: webdriver.Chrome, condition: Callable[[webdriver.Chrome], object]) -> None:
    """
    Return as soon as the condition holds; fail when it does not within a minute.

    Between two pages the driver may answer with an error of its own, rather than
    that an element is gone. It is asked again.
    """
    WebDriverWait(driver, 60, ignored_exceptions=[WebDriverException]).until(condition)


def wait_for_next_page(driver: webdriver.Chrome, left: WebElement) -> None:
    """Return when the page that the element stands on has given way to another."""
    wait_for(driver, staleness_of(left))


def post(driver: webdriver.Chrome, url: str, data: dict[str, Any]) -> None:
    """Send a form to the URL, with the token of the page that is shown, and go where it leads."""
    left = driver.find_element("tag name", "html")
    driver.execute_script(SEND, url, data)
    wait_for_next_page(driver, left)


def screenshot(driver: webdriver.Chrome, name: str) -> None:
    """Keep a picture of the page where SCREENSHOTS names a directory; otherwise do nothing."""
    directory = os.environ.get("SCREENSHOTS")
    if directory:
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(path / f"{name}.png"))
