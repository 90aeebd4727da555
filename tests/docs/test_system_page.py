"""The specification's page about systems runs unchanged, on memory and on Django's ORM."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT.parent / "shared" / "spec" / "system.rst"

pytestmark = pytest.mark.skipif(
    not PAGE.exists(), reason="The specification's page ../shared/spec/system.rst is not here."
)


def run_page(*options: str, site: bool) -> dict[str, Any]:
    """Run the page in an interpreter of its own, with or without installed packages."""
    environ = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [sys.executable, *([] if site else ["-S"]), "-m", "tests.docs.run_page", PAGE, *options],
        cwd=ROOT,
        env=environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def busy_processors() -> Iterator[None]:
    """Keep every processor busy, twice over."""
    burners = [
        subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def test_the_core_alone_runs_the_page():
    report = run_page(site=False)

    assert report["blocks"] == PAGE.read_text().count("code-block::") == 8
    assert report["modules"] == ["eventsourcing", "page", "tests"]


def test_the_orm_runs_the_page(tmp_path):
    report = run_page("--database", str(tmp_path / "page.sqlite3"), site=True)

    assert report["blocks"] == 8
    assert "django_eventsourcing" in report["modules"]


@pytest.mark.stress
@pytest.mark.parametrize("loaded", [False, True], ids=["idle", "loaded"])
@pytest.mark.parametrize("persistence", ["memory", "orm"])
def test_the_page_runs_20_times_in_a_row(persistence, loaded, tmp_path):
    def run(number: int) -> dict[str, Any]:
        if persistence == "memory":
            return run_page(site=False)
        return run_page("--database", str(tmp_path / f"{number}.sqlite3"), site=True)

    with busy_processors() if loaded else nullcontext():
        reports = [run(number) for number in range(20)]

    assert [report["blocks"] for report in reports] == [8] * 20
