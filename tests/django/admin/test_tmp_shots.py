
import pytest
from datetime import timedelta
from django.utils import timezone
from tests.django.admin.test_browser import *  # noqa
from tests.django.admin.test_browser import log, log_in  # noqa
from tests.browser import chromium, screenshot
from django_eventsourcing.models import TrackingRecord, StoredEventRecord
for n in [n for n in list(globals()) if n.startswith("test_")]: del globals()[n]

@pytest.mark.usefixtures("viewer")
def test_shots(live_server, log):
    StoredEventRecord.objects.filter(id__gt=40, id__lt=57).update(topic="training.domain:PermitCase.ActivityCompleted")
    TrackingRecord.objects.update(updated_at=timezone.now() - timedelta(minutes=3, seconds=5))
    TrackingRecord.objects.create(application_name="Gone", upstream_name="Kennel", notification_id=7)
    log["bad"] = log["events"] + "?application=Foo&originator_id=xyz"
    log["some"] = log["events"] + "?application=Kennel"
    with chromium() as driver:
        log_in(driver, live_server)
        for theme in ("light", "dark"):
            driver.execute_script("localStorage.setItem('theme', arguments[0])", theme)
            for width in (1280, 1200, 420):
                driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False})
                for name in ("events", "event", "section", "positions", "snapshots", "bad", "some", "logs"):
                    if theme == "dark" and name in ("some", "logs") : continue
                    driver.get(live_server.url + log[name])
                    if name == "section" and width != 1200:
                        driver.execute_script("document.querySelector('.es-log details').open = true")
                    screenshot(driver, f"{theme}-{width}-{name}")
