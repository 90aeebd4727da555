"""The pages of how-to that name files: they work as written, from the first block to the last."""

import sys

import pytest

from tests.docs.blocks import markdown_blocks
from tests.docs.conftest import TUTORIAL
from tests.docs.walkthrough import Walkthrough

HOW_TO = TUTORIAL.parent / "how-to"


@pytest.fixture
def walkthrough(tmp_path):
    return Walkthrough(tmp_path)


def test_an_application_gets_tables_of_its_own(walkthrough):
    walkthrough.run("django-admin startproject mysite")
    walkthrough.run("cd mysite")
    walkthrough.run("python manage.py startapp school")
    walkthrough.follow(block for block in markdown_blocks(TUTORIAL) if block.file)
    walkthrough.run("python manage.py makemigrations school")

    walkthrough.follow(markdown_blocks(HOW_TO / "own-tables.md"))
    walkthrough.run("python manage.py makemigrations school")
    walkthrough.run("python manage.py migrate")

    check = walkthrough.output["python manage.py check --database default"]
    assert "no issues" in check
    use = (
        "from django_eventsourcing import get_application; from school.models import *; "
        "from school.applications import DogSchool; from school.licences import Licences; "
        "get_application(DogSchool).register_dog('Fido'); "
        "number = Licences({'PERSISTENCE_MODULE': 'django_eventsourcing.factory'}).grant('K9'); "
        "print(DogEvent.objects.count(), LicenceEvent.objects.get().originator_id, number)"
    )
    walkthrough.run(f'python manage.py shell --no-imports -c "{use}"')
    assert "1 licence-K9 licence-K9" in list(walkthrough.output.values())[-1]


def test_the_recorder_that_is_written_keeps_its_contract(walkthrough):
    walkthrough.follow(
        block for block in markdown_blocks(HOW_TO / "write-a-recorder.md") if block.file
    )

    walkthrough.run(f"{sys.executable} -m pytest -q -p no:django -p no:cacheprovider")

    (output,) = walkthrough.output.values()
    assert " passed" in output
    assert "failed" not in output


def test_each_contract_is_in_the_table():
    from eventsourcing import conformance

    page = (HOW_TO / "write-a-recorder.md").read_text(encoding="utf-8")
    parts = {"RecorderContract", "SubscribingContract", "WaitingContract"}
    contracts = {name for name in conformance.__all__ if name.endswith("Contract")} - parts

    assert {name for name in contracts if f"\n| `{name}` |" in page} == contracts
