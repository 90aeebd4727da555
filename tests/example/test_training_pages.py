"""The pages of the dog school."""

from uuid import uuid4

import pytest
from django.test import Client

from django_eventsourcing import get_application
from example_project.training.application import Counters, DogSchool
from example_project.training.leaderboard import Leaderboard
from tests.example.catching_up import catch_up

pytestmark = pytest.mark.usefixtures("system")


@pytest.fixture
def school() -> DogSchool:
    return get_application(DogSchool)


def test_a_dog_is_registered(client: Client, school: DogSchool) -> None:
    response = client.post("/training/", {"name": " Billy "}, follow=True)

    (dog,) = school.newest_dogs(10)
    assert dog.name == "Billy"
    assert response.redirect_chain == [(f"/training/dogs/{dog.id}/", 302)]
    assert b"Billy has joined the school." in response.content


def test_a_dog_learns_a_trick(client: Client, school: DogSchool) -> None:
    dog_id = school.register_dog("Billy")

    response = client.post(f"/training/dogs/{dog_id}/", {"trick": "roll over"}, follow=True)

    assert school.get_dog(dog_id).tricks == ("roll over",)
    assert "Billy has learnt “roll over”." in response.text


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "Give the dog a name."),
        ("  ", "Give the dog a name."),
        ("x" * 61, "The name has 61 characters; at most 60 fit."),
    ],
)
def test_a_name_that_is_none(client: Client, school: DogSchool, name: str, error: str) -> None:
    response = client.post("/training/", {"name": name})

    assert error in response.text
    assert school.newest_dogs(10) == []


@pytest.mark.parametrize(
    ("trick", "error"),
    [
        ("", "Name the trick that the dog has learnt."),
        ("x" * 61, "The trick has 61 characters; at most 60 fit."),
    ],
)
def test_a_trick_that_is_none(client: Client, school: DogSchool, trick: str, error: str) -> None:
    dog_id = school.register_dog("Billy")

    response = client.post(f"/training/dogs/{dog_id}/", {"trick": trick})

    assert error in response.text
    assert school.get_dog(dog_id).tricks == ()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_dog_that_is_not_there(client: Client, method: str) -> None:
    dog_id = uuid4()

    response = getattr(client, method)(f"/training/dogs/{dog_id}/", {"trick": "roll over"})

    assert response.status_code == 404
    assert f"There is no dog with the id {dog_id}." in response.text


def test_names_are_shown_as_text(client: Client, school: DogSchool) -> None:
    dog_id = school.register_dog("<script>alert(1)</script>")

    for page in ("/training/", f"/training/dogs/{dog_id}/"):
        assert "<script>" not in client.get(page).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get(page).text


def test_a_form_without_its_token_is_refused(school: DogSchool) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post("/training/", {"name": "Billy"}).status_code == 403
    assert school.newest_dogs(10) == []


def test_the_newest_dogs_come_first(school: DogSchool) -> None:
    for name in ("Billy", "Milly", "Scrappy"):
        school.register_dog(name)

    assert [dog.name for dog in school.newest_dogs(2)] == ["Scrappy", "Milly"]


def test_the_newest_dogs_are_found_below_other_events(
    school: DogSchool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("example_project.newest.WINDOW", 2)
    billy = school.register_dog("Billy")
    for number in range(7):
        school.add_trick(billy, f"trick {number}")
    school.register_dog("Milly")

    assert [dog.name for dog in school.newest_dogs(10)] == ["Milly", "Billy"]


def test_tricks_are_counted(client: Client, school: DogSchool) -> None:
    billy, milly = school.register_dog("Billy"), school.register_dog("Milly")
    for dog_id, trick in ((billy, "fetch"), (billy, "roll over"), (milly, "roll over")):
        school.add_trick(dog_id, trick)
    catch_up(Counters, DogSchool)

    response = client.get("/training/tricks/")

    assert get_application(Counters).get_counts() == {"roll over": 2, "fetch": 1}
    assert [(bar.label, bar.count, bar.percent) for bar in response.context["bars"]] == [
        ("roll over", 2, 100),
        ("fetch", 1, 50),
    ]
    assert "roll over" in response.text


def test_without_counts_the_page_says_what_to_do(client: Client) -> None:
    page = client.get("/training/tricks/").text

    assert "Nothing has been counted yet." in page
    assert "waiting to be counted" not in page


def test_the_page_says_how_far_the_counts_are_behind(client: Client, school: DogSchool) -> None:
    billy = school.register_dog("Billy")
    school.add_trick(billy, "fetch")
    catch_up(Counters, DogSchool)
    school.add_trick(billy, "roll over")
    school.register_dog("Milly")

    page = client.get("/training/tricks/").text

    assert (
        "2 events are waiting to be counted: is <code>manage.py run_system</code> running?" in page
    )


def test_the_home_page_leads_to_all_others(client: Client) -> None:
    page = client.get("/").text

    for target in ("/training/", "/training/tricks/", "/permits/", "/permits/counts/", "/admin/"):
        assert f'href="{target}"' in page


def test_the_leaderboard_has_the_dog_that_has_learnt_most_first(
    client: Client, school: DogSchool
) -> None:
    for name, tricks in {"Billy": 1, "Milly": 3, "Scrappy": 0}.items():
        dog_id = school.register_dog(name)
        for trick in range(tricks):
            school.add_trick(dog_id, f"trick {trick}")
    assert "No dog has been projected yet." in client.get("/training/leaderboard/").text
    catch_up(Leaderboard, DogSchool)

    page = client.get("/training/leaderboard/").text

    assert page.index("Milly") < page.index("Billy") < page.index("Scrappy")
    assert "waiting" not in page
