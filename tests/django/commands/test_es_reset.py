"""``manage.py es_reset``: the position of a follower is set, after its name has been typed."""

import pytest

from django_eventsourcing import get_system, registry
from tests.core.school import DogSchool
from tests.databases import on
from tests.django.commands.calls import call, data_of
from tests.django.mailing import Mailer
from tests.django.status.rows import at

pytestmark = on("default")


@pytest.fixture
def ids(settings, database):
    """Three events of a log that the mailer has processed."""
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.mailing.mailing_system", "DATABASE": database}
    }
    school = get_system().get(DogSchool)
    for _ in range(3):
        school.register_dog("Fido")
    ids = [each.id for each in school.recorder.select_notifications(None, 10)]
    at(database, ids[-1], "Mailer")
    yield ids
    registry.reset()


def position():
    return get_system().get(Mailer).recorder.max_tracking_id("DogSchool")


def test_it_says_what_it_means_and_does_it(ids):
    code, text = call(
        "es_reset", "Mailer", "DogSchool", f"--to={ids[0]}", "--reason=lost mail", "--noinput"
    )

    assert (code, text) == (
        0,
        (
            f"Mailer is at {ids[2]} of DogSchool, and is set to {ids[0]}: 2 events processed again, "
            "with all effects\n"
            "  What was skipped or discarded of these is processed, too.\n"
            f"Mailer goes on after DogSchool {ids[0]}\n"
        ),
    )
    assert position() == ids[0]


def test_a_dry_run_changes_nothing(ids):
    code, text = call("es_reset", "Mailer", "DogSchool", "--to=0", "--reason=lost", "--dry-run")

    assert code == 0
    assert "is set to 0: 3 events processed again" in text
    assert "goes on" not in text
    assert position() == ids[2]


@pytest.mark.parametrize(("typed", "code"), [("Mailer", 0), ("yes", 1), ("mailer", 1)])
def test_the_name_has_to_be_typed(ids, monkeypatch, typed, code):
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or typed)

    ended, text = call("es_reset", "Mailer", "DogSchool", "--to=0", "--reason=lost mail")

    assert ended == code
    assert asked == ["Type 'Mailer' to go on: "]
    assert position() == (None if code == 0 else ids[2])
    assert ("Nothing is reset." in text) is bool(code)


@pytest.mark.usefixtures("ids")
def test_without_anybody_to_ask_it_does_nothing():
    code, text = call("es_reset", "Mailer", "DogSchool", "--to=0", "--reason=lost", "--json")

    assert code == 2
    assert "Nobody can be asked whether to go on.  HINT: Say so by --noinput" in text


def test_json_has_the_plan(ids):
    code, data = data_of(
        "es_reset", "Mailer", "DogSchool", f"--to={ids[1]}", "--reason=lost", "--noinput"
    )

    assert code == 0
    assert data == {
        "plan": {
            "follower": "Mailer",
            "upstream_name": "DogSchool",
            "before": ids[2],
            "to": ids[1],
            "head": ids[2],
            "events": 1,
            "is_more": False,
            "records_again": False,
        },
        "reset": True,
        "reason": "lost",
    }


@pytest.mark.usefixtures("ids")
def test_what_cannot_be_reset_is_told_with_the_remedy():
    code, text = call("es_reset", "Board", "DogSchool", "--to=0", "--reason=lost", "--noinput")

    assert code == 1
    assert "HINT: Make them again: manage.py es_rebuild Board" in text


@pytest.mark.usefixtures("ids")
def test_an_unknown_follower_is_told():
    code, text = call("es_reset", "Mailr", "DogSchool", "--to=0", "--reason=lost", "--noinput")

    assert code == 2
    assert "Mailer" in text
