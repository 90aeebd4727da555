"""What a member of staff sees of the log in a browser."""

import pytest
from selenium.webdriver.common.by import By

from tests.browser import chromium, screenshot, wait_for, wait_for_next_page
from tests.django.admin.clerking import LETTERS
from tests.django.admin.pages import (
    EVENTS,
    LOGS,
    POSITIONS,
    SNAPSHOTS,
    SYSTEMS,
    TRACE,
    follower_page,
)
from tests.django.admin.records import make_events
from tests.django.status.rows import held, parked, told, worker_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCRIPT = "<script>document.title='taken over'</script><img src=x onerror=alert(1)>"


def log_in(driver, server, name="viewer"):
    driver.get(f"{server.url}/admin/")
    driver.find_element(By.NAME, "username").send_keys(name)
    driver.find_element(By.NAME, "password").send_keys("secret")
    driver.find_element(By.CSS_SELECTOR, "input[type=submit]").click()
    wait_for(driver, lambda d: d.find_elements(By.ID, "user-tools"))


def text(driver):
    return driver.find_element(By.ID, "content").text


def click(driver, by, value):
    """Click on what leads to another page, and wait for that page."""
    element = driver.find_element(by, value)
    element.click()
    wait_for_next_page(driver, element)


def follow(driver, label):
    click(driver, By.XPATH, f"//div[@id='container']//a[normalize-space()='{label}']")


@pytest.fixture
def log(kennel, tally):
    """Two dogs, one with a name that is a script, and a follower that is two events behind."""
    kennel.register("Rex", "sit", "roll over", *(f"trick {n}" for n in range(58)))
    rex = kennel.recorder.max_notification_id()
    tally.pull_and_process("Kennel")
    dog_id = kennel.register(SCRIPT)
    kennel.take_snapshot(dog_id)
    script = rex + 1
    unreadable = rex + 10
    make_events(
        1,
        number=lambda n: unreadable,
        topic="a.module.with.a.very.long.name.indeed:Aggregate.SomethingHappenedThatHasALongName",
        state=b"{",
    )
    held("default", "Tally", worker=worker_in("default"))
    told(
        "default",
        "Names",
        state="failed",
        error=f"KeyError: {SCRIPT}",
        traceback=f'File "names.py", line 7\n    {SCRIPT}',
        upstream_name="Kennel",
        notification_id=script,
        attempts=3,
    )
    parked("default", rex, "Names", id=4711, error=f"KeyError: {SCRIPT}", traceback=SCRIPT)
    return {
        "systems": SYSTEMS,
        "follower": follower_page("Names"),
        "events": EVENTS,
        "event": f"{EVENTS}{rex}/change/",
        "event-script": f"{EVENTS}{script}/change/",
        "event-unreadable": f"{EVENTS}{unreadable}/change/",
        "event-copied": f"{EVENTS}{script}/change/?copy=pytest",
        "stream": f"{EVENTS}stream/default/Kennel/{dog_id}/",
        "trace": f"{TRACE}?id=Kennel:{rex}",
        "logs": LOGS,
        "log": f"{LOGS}default/Kennel/?at={script}",
        "log-searched": f"{LOGS}default/Kennel/?q=topic:Registered+no:way",
        "section": f"{LOGS}default/Kennel/newest/",
        "positions": POSITIONS,
        "snapshots": SNAPSHOTS,
        "dead-letters": LETTERS,
        "dead-letter": f"{LETTERS}4711/change/",
    }


@pytest.mark.usefixtures("viewer")
def test_viewer_reads_the_log_the_event_and_the_positions(live_server, log):
    with chromium() as driver:
        log_in(driver, live_server)
        screenshot(driver, "index")
        follow(driver, "Stored events")
        screenshot(driver, "events")
        follow(driver, log["event-script"].split("/")[-3])
        screenshot(driver, "event-script")

        assert f'name "{SCRIPT}"' in text(driver)
        assert "taken over" not in driver.title

        follow(driver, "Stored events")
        follow(driver, "Notification logs")
        screenshot(driver, "logs")
        follow(driver, "Kennel")
        driver.find_elements(By.TAG_NAME, "summary")[1].click()
        screenshot(driver, "log")

        assert SCRIPT in text(driver)
        assert "taken over" not in driver.title

        follow(driver, "Sections")
        driver.find_elements(By.TAG_NAME, "summary")[-2].click()
        screenshot(driver, "section")

        assert SCRIPT in text(driver)
        assert "taken over" not in driver.title

        driver.get(live_server.url + POSITIONS)
        screenshot(driver, "positions")

        assert "2 events behind" in text(driver)


@pytest.mark.usefixtures("operator", "log")
@pytest.mark.parametrize("javascript", [True, pytest.param(False, marks=pytest.mark.stress)])
def test_operator_pauses_and_resumes_a_follower(live_server, javascript):
    with chromium(javascript=javascript) as driver:
        log_in(driver, live_server)
        follow(driver, "Systems")
        screenshot(driver, "operator-systems")
        click(driver, By.CSS_SELECTOR, ".es-graph a[aria-label^='Tally:']")

        driver.find_element(By.NAME, "reason").send_keys(f"because {SCRIPT}")
        click(driver, By.XPATH, "//button[.='Pause']")
        screenshot(driver, "operator-paused")

        assert "Tally is paused." in driver.find_element(By.CLASS_NAME, "messagelist").text
        assert f"Tally is paused: because {SCRIPT} (viewer)" in text(driver)
        assert f"Paused: because {SCRIPT}" in text(driver)
        assert not driver.find_elements(By.XPATH, "//button[.='Pause']")

        click(driver, By.XPATH, "//button[.='Resume']")
        screenshot(driver, "operator-resumed")

        assert "Tally is resumed." in driver.find_element(By.CLASS_NAME, "messagelist").text
        assert driver.find_elements(By.XPATH, "//button[.='Pause']")
        assert "taken over" not in driver.title


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize("javascript", [True, pytest.param(False, marks=pytest.mark.stress)])
def test_the_test_of_a_stream_is_copied(live_server, log, javascript):
    with chromium(javascript=javascript) as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + log["event-copied"])
        driver.find_element(By.CSS_SELECTOR, "#copies details[open] pre")
        buttons = driver.find_elements(By.CSS_SELECTOR, "#copies details[open] button")

        assert "from django_eventsourcing.replaying import replay" in text(driver)
        assert [each.is_displayed() for each in buttons] == [javascript]
        if javascript:
            buttons[0].click()
            wait_for(driver, lambda d: buttons[0].text == "Copied")
        assert "taken over" not in driver.title


@pytest.mark.usefixtures("viewer", "log")
def test_filters_and_pages_work_without_javascript(live_server):
    with chromium(javascript=False) as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + EVENTS)
        driver.find_element(
            By.CSS_SELECTOR, "option[value='tests.django.admin.kennel:Dog.TrickAdded']"
        ).click()
        click(driver, By.CSS_SELECTOR, "input[type=submit][value=Filter]")
        follow(driver, "Older")
        screenshot(driver, "events-filtered")

        rows = driver.find_elements(By.CSS_SELECTOR, "#result_list tbody tr")
        assert len(rows) == 10
        assert all("Dog.TrickAdded" in row.text for row in rows)

        driver.find_element(By.NAME, "q").send_keys("originator:4a81")
        click(driver, By.CSS_SELECTOR, "input[type=submit][value=Filter]")
        screenshot(driver, "events-bad-id")

        assert "“originator:4a81” is not an originator's ID." in text(driver)


@pytest.mark.usefixtures("staff", "log")
def test_staff_without_permission_sees_nothing_of_it(live_server):
    with chromium() as driver:
        log_in(driver, live_server, "staff")

        assert "Event sourcing" not in driver.page_source
        for page in (EVENTS, LOGS, POSITIONS, SNAPSHOTS, SYSTEMS, follower_page("Tally")):
            driver.get(live_server.url + page)
            assert "Rex" not in driver.page_source
            assert "Kennel" not in driver.page_source


@pytest.mark.usefixtures("operator")
def test_pages_fit_a_narrow_window(live_server, log):
    with chromium(width=500, height=900) as driver:
        log_in(driver, live_server)
        for name, page in log.items():
            driver.get(live_server.url + page)
            screenshot(driver, f"narrow-{name}")

            width, space = driver.execute_script(
                "return [document.documentElement.scrollWidth, window.innerWidth]"
            )
            assert width <= space, f"{page} is {width} pixels wide in a window of {space}."


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize("width", [pytest.param(1200, marks=pytest.mark.stress), 500])
def test_names_of_classes_break_at_dots_only(live_server, log, width):
    with chromium(width=width) as driver:
        log_in(driver, live_server)
        for name in ("events", "log", "section", "snapshots", "positions", "systems"):
            driver.get(live_server.url + log[name])

            assert driver.execute_script(NAMES)
            assert driver.execute_script(BROKEN_WORDS) == []


@pytest.mark.usefixtures("viewer")
def test_words_of_a_position_stay_together(live_server, log):
    with chromium(width=1200) as driver:
        log_in(driver, live_server)
        driver.get(live_server.url + log["positions"])

        for phrase in driver.find_elements(By.CSS_SELECTOR, ".es-behind, .es-new"):
            assert driver.execute_script("return arguments[0].getClientRects().length", phrase) == 1


NAMES = "return document.querySelectorAll('.es-name').length"

# Words of names, as they are between dots, that are on more than one line.
BROKEN_WORDS = """
const found = [];
for (const cell of document.querySelectorAll('.es-name')) {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    if (range.getClientRects().length > 1) found.push(walker.currentNode.textContent);
  }
}
return found;
"""

# Pairs of a text and its ratio, where that is less than what WCAG asks of text.
LOW_CONTRAST = """
function luminance(color) {
  const [r, g, b] = color.match(/[0-9.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(element) {
  for (let e = element; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if (!/rgba\\(.*, 0\\)|transparent/.test(color)) return color;
  }
  return 'rgb(255, 255, 255)';
}
const found = [];
const walker = document.createTreeWalker(document.getElementById('content-main'), NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
  const a = luminance(getComputedStyle(element).color), b = luminance(ground(element));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) found.push(walker.currentNode.textContent.trim() + ' ' + ratio.toFixed(2));
}
return found;
"""
