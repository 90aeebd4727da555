"""
Take the pictures of the admin's pages that the documentation shows, into docs/images.

    .venv/bin/python scripts/take_screenshots.py

They show the sample of the example project, in a database that is made for them and thrown away.
It needs Chromium and its driver.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from math import sin
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlencode

import django
from selenium import webdriver

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
WIDE, NARROW = 1280, 390
TALLEST = 900
HELD = timedelta(minutes=10)
"""For how long a worker holds its followers: no picture takes longer."""
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
REQUEST = "7c1e2a40"
"""The correlation id of a request."""
SETTINGS = {
    "APPLICATIONS": {"Leaderboard": {"ON_ERROR": {"retries": 0, "then": "park"}}},
}


class Picture(NamedTuple):
    """A page as it is shown in the documentation."""

    name: str
    page: str
    theme: str = "light"
    width: int = WIDE
    tallest: int = TALLEST


def main() -> int:
    with TemporaryDirectory(prefix="screenshots-") as directory:
        set_up(Path(directory))
        fill()
        IMAGES.mkdir(exist_ok=True)
        with served() as url, chromium() as driver:
            enter(driver, url)
            for picture in pictures():
                path = IMAGES / f"{picture.name}.png"
                path.write_bytes(taken(driver, url, picture))
                say(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1024:,.0f} KiB")
        from django.db import connections

        connections.close_all()
    return 0


def set_up(directory: Path) -> None:
    """Configure the example project with a database in the directory."""
    sys.path.insert(0, str(ROOT))
    os.environ["DATABASE_URL"] = f"sqlite:///{directory / 'db.sqlite3'}"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    from django.conf import settings

    settings.EVENTSOURCING = {"default": {**settings.EVENTSOURCING["default"], **SETTINGS}}
    settings.EVENTSOURCING_ENVIRONMENT = "staging"
    django.setup()


def fill() -> None:
    """Record the sample; let one follower be behind, one be paused, and one set events aside."""
    from django.core.management import CommandError, call_command

    with Path(os.devnull).open("w") as nowhere:
        call_command("prepare", stdout=nowhere, stderr=nowhere)
        call_command("demo", stdout=nowhere, stderr=nowhere)
        record_request()
        with suppress(CommandError):
            # Which says that something is parked.
            call_command("run_system", once=True, stdout=nowhere, stderr=nowhere)
    let_be_behind("CaseBoard")
    put_on_record()


def record_request() -> None:
    """Record a request whose events the leaderboard sets aside."""
    from django_eventsourcing import get_application
    from django_eventsourcing.metadata import event_metadata
    from example_project.training.application import DogSchool
    from example_project.training.models import DogRow

    school = get_application(DogSchool)
    with event_metadata({"correlation_id": REQUEST, "user": "ann"}):
        dog_id = school.register_dog("Rex")
        # As somebody would do by hand, who should have left it to the projection.
        DogRow.objects.create(dog_id=dog_id, name="Rex")
        for trick in ("roll over", "fetch ball", "play dead"):
            school.add_trick(dog_id, trick)


def let_be_behind(follower: str) -> None:
    """Put the follower back in its log, where it has more to do."""
    from django_eventsourcing.models import TrackingRecord

    for record in TrackingRecord.objects.filter(application_name=follower):
        record.notification_id = record.notification_id * 2 // 5
        record.save()


def put_on_record() -> None:
    """Let a worker be at work, pause a follower, and have statistics of the last hour."""
    from django.contrib.auth.models import User

    from django_eventsourcing import get_system, operating
    from django_eventsourcing.database_clock import DatabaseNow
    from django_eventsourcing.models import FollowerRecord, FollowerStatistic, WorkerRecord

    User.objects.create_superuser("ann", password=None)
    system = get_system()
    followers = ["Counters", "Leaderboard", "CaseStatistics", "CaseBoard"]
    WorkerRecord.objects.all().delete()
    worker = WorkerRecord.objects.create(
        system_alias="default",
        name="worker-1",
        host="app-1",
        pid=4711,
        version=django_version(),
        followers=followers,
        started_at=DatabaseNow() - timedelta(hours=3),
        heartbeat_at=DatabaseNow() + HELD,
    )
    FollowerStatistic.objects.all().delete()
    for number, follower in enumerate(followers):
        FollowerRecord.objects.update_or_create(
            application_name=follower,
            defaults={
                "state": "running",
                "lease_owner": worker.pk,
                "lease_expires_at": DatabaseNow() + HELD,
                "updated_at": DatabaseNow() + HELD,
            },
        )
        is_paused = follower == "CaseStatistics"
        for ago in range(20 if is_paused else 0, 60):
            put_minute(follower, ago, int(240 + 150 * sin(ago / 7 + number) + 60 * sin(ago * 2)))
    operating.pause(system, "CaseStatistics", "new counts are being deployed (ann)")


def put_minute(follower: str, ago: int, processed: int) -> None:
    """Put on record what was processed in a minute."""
    from django_eventsourcing.database_clock import DatabaseNow
    from django_eventsourcing.models import FollowerStatistic

    row = FollowerStatistic.objects.create(
        application_name=follower, minute=DatabaseNow() - timedelta(minutes=ago)
    )
    row.refresh_from_db()
    # The minute that has begun is not over.
    row.seconds = 60.0 if ago else row.minute.second
    row.processed = row.passed = int(processed * row.seconds / 60)
    row.minute = row.minute.replace(second=0, microsecond=0)
    row.save()


def django_version() -> str:
    """Return the version of the app that a worker tells."""
    from importlib.metadata import version

    return version("django-eventsourcing")


def pictures() -> Iterator[Picture]:
    """Yield the pictures, each with the URL of its page."""
    from django_eventsourcing.models import DeadLetterRecord, StoredEventRecord

    events = StoredEventRecord.objects.filter(application_name="PermitCases")
    case = events.filter(originator_version=6).latest("id")
    letter = DeadLetterRecord.objects.earliest("id")
    stream = url_of(
        "storedeventrecord_stream", "default", case.application_name, case.originator_id
    )
    log = url_of("storedeventrecord_log", "default", "PermitCases")
    found = urlencode({"q": "topic:ActivityCompleted decision"})
    systems = url_of("monitoredsystem_changelist")
    yield Picture("dashboard", systems, tallest=1200)
    yield Picture("dashboard-dark", systems, theme="dark", tallest=1200)
    yield Picture("dashboard-narrow", systems, width=NARROW, tallest=1200)
    yield Picture("follower", url_of("monitoredsystem_change", "Leaderboard"), tallest=1250)
    yield Picture("event", url_of("storedeventrecord_change", case.pk), tallest=940)
    yield Picture("stream", f"{stream}?version=3")
    yield Picture("trace", f"{url_of('storedeventrecord_trace')}?{urlencode({'id': REQUEST})}")
    yield Picture("dead-letter", url_of("deadletterrecord_change", letter.pk))
    yield Picture("log", f"{log}?{found}", tallest=680)


def url_of(name: str, *parts: Any) -> str:
    from django.contrib.admin.utils import quote
    from django.urls import reverse

    return reverse(f"admin:django_eventsourcing_{name}", args=[quote(str(each)) for each in parts])


@contextmanager
def served() -> Iterator[str]:
    """Serve the project as long as the block runs; yield where."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    if thread.error:
        raise thread.error
    try:
        yield f"http://127.0.0.1:{thread.port}"
    finally:
        thread.terminate()


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Yield a driver of a new Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = found("chromium")
    for flag in (*FLAGS, "--hide-scrollbars", "--force-color-profile=srgb"):
        options.add_argument(flag)
    service = webdriver.ChromeService(executable_path=found("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def found(program: str) -> str:
    """Return where the program is."""
    if path := shutil.which(program):
        return path
    raise SystemExit(f"{program} is not installed.  HINT: apt-get install chromium chromium-driver")


def enter(driver: webdriver.Chrome, url: str) -> None:
    """Log in without the page for it."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.get(username="ann"))
    # A cookie is given to a page of the site.
    driver.get(f"{url}/static/django_eventsourcing/admin.css")
    name = settings.SESSION_COOKIE_NAME
    driver.add_cookie({"name": name, "value": client.cookies[name].value, "path": "/"})


def taken(driver: webdriver.Chrome, url: str, picture: Picture) -> bytes:
    """Return the picture, as tall as what is on the page, within limits."""
    size = {"width": picture.width, "deviceScaleFactor": 1, "mobile": False}
    theme = [{"name": "prefers-color-scheme", "value": picture.theme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": theme})
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": 400})
    driver.get(f"{url}{picture.page}")
    tall = driver.execute_script(
        "return Math.ceil(document.getElementById('content').getBoundingClientRect().bottom)"
    )
    height = min(tall, picture.tallest)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**size, "height": height})
    return driver.get_screenshot_as_png()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
