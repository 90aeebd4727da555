"""Fixtures of the documentation's tests: the project that the tutorial builds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import markdown_blocks
from tests.docs.walkthrough import Walkthrough

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


@pytest.fixture(scope="session")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the tutorial's project as it is at the end, of which tests take copies."""
    directory = tmp_path_factory.mktemp("tutorial")
    walkthrough = Walkthrough(directory)
    walkthrough.run("django-admin startproject mysite")
    walkthrough.run("cd mysite")
    walkthrough.run("python manage.py startapp school")
    walkthrough.follow(block for block in markdown_blocks(TUTORIAL) if block.file)
    walkthrough.run("python manage.py makemigrations school")
    walkthrough.run("python manage.py migrate")
    return directory


@pytest.fixture(scope="session")
def tutorial_project(
    tutorial: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walkthrough]:
    """Return the tutorial's project as it is at the end, with an empty database."""
    walkthrough = copied(tutorial, tmp_path_factory.mktemp("tutorial"))
    yield walkthrough
    walkthrough.stop()


def copied(tutorial: Path, directory: Path) -> Walkthrough:
    """Return a walkthrough in a copy of the tutorial's project."""
    shutil.copytree(tutorial, directory, dirs_exist_ok=True)
    walkthrough = Walkthrough(directory)
    walkthrough.run("cd mysite")
    return walkthrough
