"""
Measure every page of the admin on a long log, and look at what it asks the database.

    export DATABASE_URL=postgresql://postgres@127.0.0.1/long
    python -m benchmarks.long_log 10000000
    python -m benchmarks.admin_pages

It goes through the links of the pages from the first ones on, and takes a few pages of each kind:
as a superuser, and as users of whom each has fewer permissions, which Django reads by two queries.
Exits with 1 if a page takes more than 300 ms or 12 queries, a query more than 50 ms,
or one counts, skips or drops duplicates. Times are the medians of three. What begins and ends
transactions, and sets time limits, is no query.
"""

import argparse
import os
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin, urlsplit

import django

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_QUERIES = 12
LONGEST_PAGE = 0.3
LONGEST_QUERY = 0.05
FORBIDDEN = re.compile(r"\bCOUNT\(|\bOFFSET\b|\bDISTINCT\b", re.IGNORECASE)
NO_QUERY = re.compile(r"\s*(SAVEPOINT|RELEASE|ROLLBACK|BEGIN|COMMIT|SET)\b|.*statement_timeout")
ROUNDS = 3
ROLES: dict[str, tuple[str, ...] | None] = {
    "superuser": None,
    "manager": ("view_", "operate_", "manage_"),
    "operator": ("view_", "operate_"),
    "viewer": ("view_",),
}
"""The beginnings of the names of the permissions that each has; ``None`` for all."""


@dataclass(kw_only=True)
class Visit:
    """What a page took."""

    url: str
    status: int
    seconds: float
    slowest: float
    slowest_sql: str
    asked: list[str]
    forbidden: list[str] = field(default_factory=list)
    body: str = ""

    @property
    def queries(self) -> int:
        return len(self.asked)

    @property
    def faults(self) -> list[str]:
        found = []
        if self.status not in (200, 302):
            found.append(f"status {self.status}")
        if self.seconds > LONGEST_PAGE:
            found.append("slow")
        if self.status == 200 and self.queries > MOST_QUERIES:
            found.append("queries")
        if self.slowest > LONGEST_QUERY:
            found.append(f"slow query: {self.slowest_sql}")
        return found + self.forbidden


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of-a-kind", type=int, default=4, help="pages of each kind at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the names of pages to be taken")
    parser.add_argument("--role", choices=ROLES, action="append", help="who looks; all if left out")
    parser.add_argument("--sql", action="store_true", help="write what each page asks")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")
    os.environ.setdefault("DEBUG", "off")
    os.environ.setdefault("ALLOWED_HOSTS", "testserver")
    django.setup()
    random.seed(arguments.seed)
    faults = 0
    for role in arguments.role or ROLES:
        visits = list(walked(role, arguments.of_a_kind, arguments.only))
        write(f"Seen by: {role}")
        faults += report(visits, arguments.sql)
    return 1 if faults else 0


def user_of(role: str) -> "User":
    """Return the user who has the permissions of the role."""
    from django.contrib.auth.models import Permission, User

    user, _ = User.objects.get_or_create(
        username=f"benchmark {role}",
        defaults={"is_staff": True, "is_superuser": ROLES[role] is None},
    )
    own = Permission.objects.filter(content_type__app_label="django_eventsourcing")
    user.user_permissions.set(each for each in own if each.codename.startswith(ROLES[role] or ()))
    return user


def walked(role: str, of_a_kind: int, only: str) -> Iterator[tuple[str, Visit]]:
    """Yield the kind of each page and what it took, from link to link."""
    from django.test import Client

    client = Client()
    client.force_login(user_of(role))
    waiting = list(first_pages())
    seen: set[str] = set(waiting)
    taken: defaultdict[str, int] = defaultdict(int)
    while waiting:
        url = waiting.pop(0)
        kind = kind_of(url)
        if taken[kind] >= of_a_kind:
            continue
        taken[kind] += 1
        visit = visited(client, url)
        if only in kind:
            yield kind, visit
        links = [link for link in links_of(url, visit.body) if link not in seen]
        random.shuffle(links)
        seen.update(links)
        waiting += links


def first_pages() -> Iterator[str]:
    """Yield where to begin: the lists, and searches."""
    from benchmarks.long_log import long_stream
    from django_eventsourcing.models import StoredEventRecord

    yield "/admin/"
    models = ("monitoredsystem", "storedeventrecord", "snapshotrecord", "trackingrecord")
    for model in (*models, "deadletterrecord"):
        yield f"/admin/django_eventsourcing/{model}/"
    events = "/admin/django_eventsourcing/storedeventrecord/"
    stream = long_stream()
    for query in ("", "?version=950", "?version=15000", "?at=2011-06-01"):
        yield f"{events}stream/default/PermitCases/{stream}/{query}"
    middle = (StoredEventRecord.objects.latest("id").pk) // 2
    yield f"{events}{middle}/change/"
    yield f"{events}?before={middle}&application=PermitCases"
    yield f"{events}?after={middle}&application=PermitCases"
    yield f"{events}?topic=example_project.training.domain:Dog.Registered&before={middle}"
    for way in (f"before={middle}", "after=0", "at=2024-06-01", ""):
        yield f"{events}?q=originator:{stream}&{way}"
    for search in ("topic:Registered", 'user:"user 7"', "Opened", "Wim Aldous", f"id:{middle}"):
        for way in ("", f"&before={middle}", "&application=PermitCases"):
            yield f"{events}?{urlencode({'q': search})}{way}"
    for asked in ("2024-06-01 12:00", "2031-01-01", "2026-11-29"):
        yield f"{events}?{urlencode({'at': asked})}"
        yield f"{events}log/default/PermitCases/?{urlencode({'at': asked})}"


def visited(client: object, url: str) -> Visit:
    """Return what the page took, and what it asked."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times, rounds = [], []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        response = client.get(url)
        times.append(time.perf_counter() - started)
        with CaptureQueriesContext(connection) as captured:
            client.get(url)
        queries = [q for q in captured.captured_queries if not NO_QUERY.match(q["sql"])]
        rounds.append(
            max(((float(q["time"]), q["sql"]) for q in queries), default=(0.0, "no query"))
        )
    slowest = sorted(rounds)[ROUNDS // 2]
    return Visit(
        url=url,
        status=response.status_code,
        seconds=median(times),
        slowest=slowest[0],
        slowest_sql=slowest[1],
        asked=[q["sql"] for q in queries],
        forbidden=[q["sql"] for q in queries if FORBIDDEN.search(q["sql"])],
        body=response.content.decode(),
    )


def kind_of(url: str) -> str:
    """Return the name of the page, with the names of its parameters."""
    from django.urls import Resolver404, resolve

    parts = urlsplit(url)
    try:
        name = resolve(parts.path).url_name or parts.path
    except Resolver404:
        name = "not found"
    return " ".join([name, *sorted({key for key, _ in parse_qsl(parts.query)})])


def links_of(url: str, body: str) -> list[str]:
    """Return where the page leads to among the pages of the app, without what is beside it."""
    content = body.partition('id="content-main"')[2]
    links = [urldefrag(urljoin(url, unescape(link)))[0] for link in re.findall(HREF, content)]
    return [link for link in dict.fromkeys(links) if "/django_eventsourcing/" in link]


HREF = r'href="([^"]*)"'


def report(visits: list[tuple[str, Visit]], with_sql: bool) -> int:
    """Write a line for each kind of page, with the worst of its visits; return what is wrong."""
    kinds: defaultdict[str, list[Visit]] = defaultdict(list)
    for kind, visit in visits:
        kinds[kind].append(visit)
    width = max(map(len, kinds))
    write(f"{'page':{width}}  pages     ms  queries  slowest query ms")
    for kind, found in sorted(kinds.items()):
        write(
            f"{kind:{width}}  {len(found):5}  {max(v.seconds for v in found) * 1000:5.0f}  "
            f"{max(v.queries for v in found):7}  {max(v.slowest for v in found) * 1000:16.0f}"
        )
    faults = [(visit.url, fault) for _, visit in visits for fault in visit.faults]
    for url, fault in faults:
        write(f"{url}: {fault[:300]}")
    write(f"{len(visits)} pages of {len(kinds)} kinds, {len(faults)} faults")
    for _, visit in visits if with_sql else []:
        write("\n  ".join([visit.url, *visit.asked]))
    return len(faults)


def write(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
