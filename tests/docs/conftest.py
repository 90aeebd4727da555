"""Fixtures of the documentation's tests: the project that the tutorial builds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import markdown_blocks
from tests.docs.walkthrough import Walkthrough

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


@pytest.fixture(scope="session")
def tutorial_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walkthrough]:
    """Return the tutorial's project as it is at the end, with an empty database."""
    walkthrough = Walkthrough(tmp_path_factory.mktemp("tutorial"))
    walkthrough.run("django-admin startproject mysite")
    walkthrough.run("cd mysite")
    walkthrough.run("python manage.py startapp school")
    walkthrough.follow(block for block in markdown_blocks(TUTORIAL) if block.file)
    walkthrough.run("python manage.py makemigrations school")
    walkthrough.run("python manage.py migrate")
    yield walkthrough
    walkthrough.stop()
