"""The web server and the system as two processes: what a person does, and soon sees counted."""

import socket
import time
from collections.abc import Callable, Iterator
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser import chromium, screenshot, wait_for_next_page
from tests.scenarios.project import Project
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("vendor", ["default", "postgres"], indirect=True),
]


@pytest.fixture
def site(project: Project) -> str:
    """Return the address of the project's web server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*free.getsockname())
    server = project.start("runserver", "--noreload", address)
    server.wait_until(lambda: answers(f"http://{address}/"), "the web server answers")
    return f"http://{address}"


@pytest.fixture
def system(project: Project) -> None:
    """Run the system beside the web server."""
    project.start("run_system").wait_for("polling")


@pytest.fixture
def browser() -> Iterator[Chrome]:
    with chromium() as browser:
        yield browser


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=10):
            return True
    except URLError:
        return False


def submit(browser: Chrome, name: str, text: str) -> None:
    """Fill in the page's form, send it, and wait for the page that answers."""
    page = browser.find_element(By.TAG_NAME, "html")
    browser.find_element(By.NAME, name).send_keys(text)
    browser.find_element(By.CSS_SELECTOR, "main button").click()
    wait_for_next_page(browser, page)


def counts(browser: Chrome, site: str) -> dict[str, str]:
    """Return what the page of counts shows."""
    browser.get(f"{site}/training/tricks/")
    rows = browser.find_elements(By.CSS_SELECTOR, "tbody tr")
    return {
        row.find_element(By.TAG_NAME, "th").text: row.find_element(By.TAG_NAME, "td").text
        for row in rows
    }


@pytest.mark.long_elsewhere("postgres")
def test_a_posted_form_shows_on_the_counts_page_soon(
    site: str, system: None, browser: Chrome, record_property: Callable[[str, object], None]
) -> None:
    browser.get(f"{site}/training/")
    submit(browser, "name", "Billy")
    dog_page = browser.current_url
    seconds = []

    # What else the machine has to do may delay some of them.
    for trick in (f"trick {number}" for number in range(1, 9)):
        browser.get(dog_page)
        submit(browser, "trick", trick)
        posted = time.monotonic()
        wait_until(
            lambda trick=trick: counts(browser, site).get(trick) == "1", f"{trick!r} is counted"
        )
        seconds.append(time.monotonic() - posted)
        if seconds[-1] < 1:
            break

    screenshot(browser, "tricks")
    # A second is enough where the machine has nothing else to do.
    record_property("seconds", min(seconds))


@pytest.mark.long_elsewhere("default")
def test_an_error_of_a_form_is_shown_and_nothing_is_recorded(
    site: str, project: Project, browser: Chrome
) -> None:
    browser.get(f"{site}/training/")

    submit(browser, "name", "   ")

    error = browser.find_element(By.CSS_SELECTOR, ".errorlist").text
    assert error == "Give the dog a name."
    assert project.events("DogSchool") == 0
