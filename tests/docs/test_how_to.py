"""The pages of how-to that name files: they work as written, from the first block to the last."""

import sys
from pathlib import Path

import pytest

from tests.docs.blocks import markdown_blocks
from tests.docs.conftest import TUTORIAL, copied
from tests.docs.walkthrough import Walkthrough
from tests.waiting import wait_until

HOW_TO = TUTORIAL.parent / "how-to"


@pytest.fixture
def walkthrough(tutorial, tmp_path):
    """Return a walkthrough in the project of the tutorial, as it is at the end."""
    return copied(tutorial, tmp_path)


def test_an_application_gets_tables_of_its_own(walkthrough):
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


def test_the_views_do_what_the_page_says(walkthrough):
    walkthrough.follow(block for block in markdown_blocks(HOW_TO / "views.md") if block.file)
    tests = Path(__file__).with_name("views_page.py").read_text(encoding="utf-8")
    (walkthrough.directory / "school" / "test_page.py").write_text(tests, encoding="utf-8")

    walkthrough.run("python manage.py test school.test_page")

    assert "Ran 4 tests" in list(walkthrough.output.values())[-1]


@pytest.mark.parametrize(
    ("page", "package"), [("rest-framework.md", "rest_framework"), ("ninja.md", "ninja")]
)
def test_the_api_that_is_written_passes_its_tests(walkthrough, page, package):
    pytest.importorskip(package)
    walkthrough.follow(markdown_blocks(HOW_TO / page))

    assert "Ran 3 tests" in walkthrough.output["python manage.py test school.test_api"]


@pytest.mark.parametrize(
    ("page", "package"), [("rest-framework.md", "rest_framework"), ("ninja.md", "ninja")]
)
def test_the_api_that_is_written_rolls_back_under_atomic_requests(walkthrough, page, package):
    pytest.importorskip(package)
    walkthrough.follow(block for block in markdown_blocks(HOW_TO / page) if block.file)
    tests = Path(__file__).with_name("atomic_apis.py").read_text(encoding="utf-8")
    (walkthrough.directory / "school" / "test_atomic.py").write_text(tests, encoding="utf-8")

    walkthrough.run(f"python manage.py test school.test_atomic -k {package}")

    assert "Ran 1 test" in list(walkthrough.output.values())[-1]


def test_a_page_shows_what_its_visitor_has_just_done(walkthrough):
    walkthrough.follow(b for b in markdown_blocks(HOW_TO / "read-your-writes.md") if b.file)
    walkthrough.run("python manage.py makemigrations school")
    walkthrough.run("python manage.py migrate")
    tricks = iter("abcdefghijklmnopqrstuvwxyz")

    def shown():
        trick = f"trick-{next(tricks)}"
        visit = (
            "from django.test import Client; client = Client(headers={'host': 'localhost'}); "
            "dog = client.post('/register/', {'name': 'Fido'}).url; "
            f"client.post(dog, {{'trick': '{trick}'}}); page = client.get('/tricks/'); "
            f"print(page.get('X-Read-Model'), 'moment' in page.text, '{trick}: 1' in page.text)"
        )
        walkthrough.run(f'python manage.py shell --no-imports -c "{visit}"')
        return list(walkthrough.output.values())[-1].strip()

    assert shown() == "stale True False"
    walkthrough.run("python manage.py run_system")
    try:
        # It takes a moment until it holds its followers.
        wait_until(lambda: shown() == "None False True", "the page is up to date", 60)
    finally:
        walkthrough.stop()


def test_a_read_model_is_kept_and_rebuilt(walkthrough):
    teach = (
        "from django_eventsourcing import get_application; "
        "from school.applications import DogSchool; school = get_application(DogSchool); "
        "school.add_trick(school.register_dog('Fido'), 'sit')"
    )
    walkthrough.run(f'python manage.py shell --no-imports -c "{teach}"')
    show = (
        "from school.models import DogRow; "
        "print(list(DogRow.objects.values_list('name', 'tricks')))"
    )

    walkthrough.follow(markdown_blocks(HOW_TO / "read-models.md"))

    plan = walkthrough.output["python manage.py es_rebuild DogBoard --dry-run"]
    assert "  clears    school.DogRow: 1 row\n  replays   DogSchool: 2 events\n" in plan
    done = walkthrough.output["python manage.py es_rebuild DogBoard --shadow --noinput"]
    assert "DogBoard is rebuilt by shadow, as of version 1: 2 events in" in done
    walkthrough.run(f'python manage.py shell --no-imports -c "{show}"')
    assert "[('Fido', 1)]" in list(walkthrough.output.values())[-1]

    system = walkthrough.directory / "school" / "system.py"
    text = system.read_text().replace("import DogBoard", "import QuickDogBoard as DogBoard")
    system.write_text(text)
    walkthrough.run("python manage.py es_rebuild DogBoard --noinput --batch-size=10")
    walkthrough.run(f'python manage.py shell --no-imports  -c "{show}"')
    assert "[('Fido', 1)]" in list(walkthrough.output.values())[-1]


def test_a_follower_is_synchronous(walkthrough):
    teach = (
        "from django_eventsourcing import get_application; from school.models import TrickCount; "
        "from school.applications import DogSchool; school = get_application(DogSchool); "
        "school.add_trick(school.register_dog('Fido'), 'sit'); "
        "print(list(TrickCount.objects.values_list('trick', 'count')))"
    )
    walkthrough.run(f'python manage.py shell --no-imports -c "{teach}"')
    assert "[]" in list(walkthrough.output.values())[-1]
    setting, on, off = markdown_blocks(HOW_TO / "synchronous.md")

    walkthrough.follow([setting, on])
    walkthrough.run(f'python manage.py shell --no-imports -c  "{teach}"')
    assert "[('sit', 2)]" in list(walkthrough.output.values())[-1]

    walkthrough.follow([off])
    walkthrough.run(f'python manage.py shell --no-imports  -c  "{teach}"')
    assert "[('sit', 2)]" in list(walkthrough.output.values())[-1]
    walkthrough.run("python manage.py run_system --once")
    walkthrough.run(f'python manage.py shell  --no-imports  -c  "{teach}"')
    assert "[('sit', 3)]" in list(walkthrough.output.values())[-1]


def test_the_admin_shows_events_as_a_project_wants_and_has_a_button(walkthrough):
    admin_page = HOW_TO.parent / "reference" / "admin.md"
    for page in (HOW_TO / "read-models.md", admin_page):
        walkthrough.follow(block for block in markdown_blocks(page) if block.file)
    walkthrough.run("python manage.py makemigrations school --name dog_rows")
    walkthrough.run("python manage.py migrate")
    walkthrough.run("python manage.py createsuperuser")
    look = (
        "from django.test import Client; from django_eventsourcing import get_application; "
        "from django.contrib.auth.models import User; from school.models import DogRow; "
        "from school.applications import DogSchool; school = get_application(DogSchool); "
        "dog = school.register_dog('Fido'); DogRow.objects.create(dog_id=dog, name='Max'); "
        "client = Client(headers={'host': 'localhost'}); "
        "client.force_login(User.objects.get()); "
        "events = '/admin/django_eventsourcing/storedeventrecord/'; "
        "stream = f'{events}stream/default/DogSchool/{dog}/'; "
        "row = client.get(f'/admin/school/dogrow/{dog}/change/').text; "
        "pages = [client.get(url).text for url in (stream, f'{events}1/change/')]; "
        "print(stream in row, ['Fido' in page for page in pages], "
        "[page.count('a name') > 0 and page.count('page</a>') for page in pages])"
    )
    walkthrough.run(f'python manage.py shell --no-imports -c "{look}"')
    assert "True [False, False] [1, 1]" in list(walkthrough.output.values())[-1]


def test_rows_are_verified(walkthrough):
    walkthrough.follow(block for block in markdown_blocks(HOW_TO / "read-models.md") if block.file)
    walkthrough.run("python manage.py makemigrations school --name dog_rows")
    walkthrough.run("python manage.py migrate")
    teach = (
        "from django_eventsourcing import get_application; "
        "from school.applications import DogSchool; school = get_application(DogSchool); "
        "school.add_trick(school.register_dog('Fido'), 'sit')"
    )
    walkthrough.run(f'python manage.py shell --no-imports -c "{teach}"')
    walkthrough.run("python manage.py run_system --once")

    walkthrough.follow(markdown_blocks(HOW_TO / "verify.md"))

    text = walkthrough.output["python manage.py es_verify"]
    assert "DogSchool: 2 topics of 2 events, all resolve\n" in text
    assert "  school.DogRow: 1 row, all as the events say\n" in text
    assert text.endswith("0 findings\n")


def test_the_recorder_that_is_written_keeps_its_contract(tmp_path):
    walkthrough = Walkthrough(tmp_path)
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
