"""Pages: where they are, and what is on them."""

import re
from html import unescape

from django.contrib.admin.utils import quote

__all__ = [
    "CATALOGUE",
    "CONFIGURATION",
    "EVENTS",
    "LOGS",
    "POSITIONS",
    "SNAPSHOTS",
    "SYSTEMS",
    "TRACE",
    "follower_page",
    "ids",
    "link",
    "order_url",
    "text",
]

EVENTS = "/admin/django_eventsourcing/storedeventrecord/"
LOGS = f"{EVENTS}log/"
TRACE = f"{EVENTS}trace/"
SNAPSHOTS = "/admin/django_eventsourcing/snapshotrecord/"
POSITIONS = "/admin/django_eventsourcing/trackingrecord/"
SYSTEMS = "/admin/django_eventsourcing/monitoredsystem/"
CATALOGUE = f"{SYSTEMS}catalogue/"
CONFIGURATION = f"{SYSTEMS}configuration/"


def follower_page(name: str) -> str:
    """Return the URL of the page of a follower."""
    return f"{SYSTEMS}{quote(name)}/change/"


def order_url(name: str, order: str) -> str:
    """Return the URL to which an order to the follower is sent."""
    return f"{SYSTEMS}{quote(name)}/{order}/"


def text(response) -> str:
    """Return what a person reads on the page, in one line."""
    body = response.content.decode().partition('id="content-main"')[2]
    body = body.replace("<wbr>", "")
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def ids(response) -> list[int]:
    """Return the ids of the records listed, in their order."""
    cells = re.findall(
        r'<th scope="row" class="es-number">(?:<a [^>]*>)?(\d+)', response.content.decode()
    )
    return [int(cell) for cell in cells]


def link(response, label: str) -> str | None:
    """Return the URL that the link of this label leads to, or ``None`` if there is none."""
    for url, found in re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', response.content.decode()):
        if unescape(found) == label or unescape(found).startswith(f"{label}: "):
            url = unescape(url)
            return response.request["PATH_INFO"] + url if url.startswith("?") else url
    return None
