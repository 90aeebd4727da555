"""Fixtures of the stress tests: a seed, private servers, sites on them, and the figures they give."""

import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.stress.databases import ROOT
from tests.stress.figures import Figures, table, write
from tests.stress.servers import SERVERS, MissingServerError, PrivateServer, Server
from tests.stress.site import Site

SEED = int(os.environ.get("STRESS_SEED") or random.SystemRandom().randrange(10**6))
FILE = ROOT / ".cache" / "stress" / "figures.jsonl"

collected: dict[str, Figures] = {}
"""The figures by the tests that gave them, here or in a process beside this one."""
running: dict[str, Server] = {}


def pytest_report_header() -> str:
    return f"stress: STRESS_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not collected:
        return
    terminalreporter.section(f"stress: STRESS_SEED={SEED}")
    figures = list(collected.values())
    for line in table(figures):
        terminalreporter.line(line)
    write(figures, FILE, SEED)
    terminalreporter.line(f"Also in {FILE.relative_to(ROOT)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    figures = item.stash.get(FIGURES, None)
    if figures is None or (report.when != "call" and report.passed):
        return
    figures.verdict = figures.verdict if figures.verdict == "failed" else str(report.outcome)
    report.user_properties.append((PROPERTY, asdict(figures)))
    if report.when == "call":
        # A line by itself, for whoever follows a log file.
        progress = f"stress: {figures.scenario} {figures.form} {figures.database}"
        sys.__stderr__.write(f"\n{progress} {report.outcome}: {figures.text}\n")
        sys.__stderr__.flush()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == PROPERTY:
            collected[report.nodeid] = Figures(**value)


PROPERTY = "figures"
FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session", autouse=True)
def _servers() -> Iterator[None]:
    yield
    for server in running.values():
        server.close()


def server_of(vendor: str) -> Server:
    """Return the private server, which is started when it is first asked for."""
    if vendor not in running:
        try:
            server = SERVERS[vendor]()
        except MissingServerError as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error), pytrace=False)
            pytest.skip(str(error))
        if isinstance(server, PrivateServer):
            server.start()
        running[vendor] = server
    return running[vendor]


@pytest.fixture(params=list(SERVERS))
def vendor(request: pytest.FixtureRequest) -> str:
    """Return the name of each kind of database in turn."""
    name: str = request.param
    return name


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Return what keeps the figures of the scenario; its id begins the name of the test."""
    name = re.sub(r"^test_", "", request.node.originalname)
    params = getattr(request.node, "callspec", None)
    values = dict(params.params) if params else {}
    figures = Figures(
        scenario=name,
        form="long" if request.node.get_closest_marker("stress") else "quick",
        database=str(values.get("vendor", "-")),
    )
    request.node.stash[FIGURES] = figures
    return figures


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what writes a line on the progress at once, past the capture of output."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"\nstress: {line}\n")
            sys.stderr.flush()

    return write


@pytest.fixture
def site(
    vendor: str, tmp_path: Path, figures: Figures, django_db_blocker: object
) -> Iterator[Site]:
    """Return a site on a fresh database of the private server."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        server = server_of(vendor)
        site = Site(server, f"site_{time.monotonic_ns()}", tmp_path, SEED)
        try:
            yield site
        finally:
            site.close()
