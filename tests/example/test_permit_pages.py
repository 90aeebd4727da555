"""The pages of the permit office."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client

from example_project.permits.application import CaseStatistics, PermitCases
from example_project.permits.board import CaseBoard
from tests.example.catching_up import catch_up
from tests.example.conftest import WriteRows, task

pytestmark = pytest.mark.usefixtures("system")


def import_cases(path: Path) -> None:
    call_command("import_cases", path, verbosity=0)


def test_a_case_shows_its_activities_in_the_order_of_time(
    client: Client, write_rows: WriteRows
) -> None:
    import_cases(write_rows(task(9, **{"concept:name": "Send"}), task(3)))

    page = client.get("/permits/cases/case-1/").text

    assert page.index("Confirmation of receipt") < page.index("Send")
    assert "2 activities" in page
    assert "11 Oct 2011, 03:00" in page


def test_a_case_that_is_not_there(client: Client) -> None:
    response = client.get("/permits/cases/case-9/")

    assert response.status_code == 404
    assert "There is no case with the number case-9." in response.text


def test_the_cases_recorded_last_come_first(client: Client, write_rows: WriteRows) -> None:
    numbers = [f"case-{number:02}" for number in range(1, 23)]
    import_cases(
        write_rows(*(task(n, **{"case:concept:name": case}) for n, case in enumerate(numbers)))
    )

    page = client.get("/permits/").text

    shown = re.findall(r">(case-\d\d)</a>", page)
    assert shown == numbers[:1:-1]
    assert "received 11 October 2011, General" in page


def test_without_cases_the_page_says_where_to_get_some(client: Client) -> None:
    assert "manage.py import_cases FILE.csv" in client.get("/permits/").text


def test_a_search_leads_to_the_case(client: Client, write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1)))

    response = client.get("/permits/", {"case": " case-1 "})

    assert response.status_code == 302
    assert response["Location"] == "/permits/cases/case-1/"


@pytest.mark.parametrize("case_id", ["a/b", "a b?c#d", "é%2F", "a\nb"])
def test_a_case_number_may_have_any_characters(
    client: Client, write_rows: WriteRows, case_id: str
) -> None:
    import_cases(write_rows(task(1, **{"case:concept:name": case_id})))

    (link,) = re.findall(r'href="(/permits/cases/[^"]+)"', client.get("/permits/").text)

    response = client.get(unescape(link))

    assert response.status_code == 200
    assert response.context["case"].case_id == case_id


@pytest.mark.parametrize(
    ("case_id", "error"),
    [
        ("", "Type the number of a case."),
        ("case-9", "There is no case with the number “case-9”."),
        ("x" * 201, "No case has a number as long as that."),
    ],
)
def test_a_search_that_finds_nothing(client: Client, case_id: str, error: str) -> None:
    response = client.get("/permits/", {"case": case_id})

    assert response.status_code == 200
    assert error in response.text


def test_the_counts_of_activities_and_months(client: Client, write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1), task(2), task(3, **{"concept:name": "T02 Check"})))
    catch_up(CaseStatistics, PermitCases)

    response = client.get("/permits/counts/")

    assert [(bar.label, bar.count) for bar in response.context["activities"]] == [
        ("Confirmation of receipt", 2),
        ("T02 Check", 1),
    ]
    ((month, bar),) = response.context["months"]
    assert (month.name, month.cases, month.activities, bar.percent) == ("2011-10", 1, 3, 100)
    assert "3 activities in 1 case, counted by" in response.text


def test_without_counts_the_page_says_what_to_do(client: Client, write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1)))

    page = client.get("/permits/counts/").text

    assert "Nothing has been counted yet." in page
    assert (
        "2 events are waiting to be counted: is <code>manage.py run_system</code> running?" in page
    )


def test_what_was_imported_is_shown_as_text(client: Client, write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1, **{"concept:name": "<img src=x onerror=alert(1)>"})))
    catch_up(CaseStatistics, PermitCases)

    for page in ("/permits/cases/case-1/", "/permits/counts/"):
        assert "<img" not in client.get(page).text
        assert "&lt;img src=x" in client.get(page).text


@pytest.fixture
def board(client: Client, write_rows: WriteRows):
    """Return what shows the board after three cases have been recorded and projected."""
    late = {"case:deadline": "2011-10-11 01:30:00+02:00"}
    import_cases(
        write_rows(
            task(1, **{"case:concept:name": "case-1", "concept:name": "Check", **late}),
            task(2, **{"case:concept:name": "case-1", "org:resource": "Ann", **late}),
            task(30, **{"case:concept:name": "case-2", "case:responsible": "Ann"}),
            task(60, **{"case:concept:name": "case-3", "concept:name": "Check"}),
        )
    )
    catch_up(CaseBoard, PermitCases)

    def show(**query: str) -> str:
        response = client.get("/permits/cases/", query)
        assert response.status_code == 200
        return response.text

    return show


def cases_in(page: str) -> list[str]:
    return re.findall(r">(case-\d)</a>", page)


def test_the_board_lists_cases_as_the_projection_has_them(board) -> None:
    page = board()

    assert cases_in(page) == ["case-1", "case-2", "case-3"]
    assert "3 cases" in page
    assert page.count("late</strong>") == 1


@pytest.mark.parametrize(
    ("query", "cases"),
    [
        ({"state": "Check"}, ["case-3"]),
        ({"responsible": "Ann"}, ["case-2"]),
        ({"late": "on"}, ["case-1"]),
        ({"order": "-activities"}, ["case-1", "case-2", "case-3"]),
        ({"order": "-open_days"}, ["case-3", "case-2", "case-1"]),
        ({"state": "Check", "late": "on"}, []),
        ({"order": "password", "page": "x"}, ["case-1", "case-2", "case-3"]),
    ],
)
def test_the_board_is_filtered_and_ordered(board, query, cases) -> None:
    assert cases_in(board(**query)) == cases


def test_the_board_shows_who_has_done_most(board) -> None:
    page = board()

    assert page.index('<th scope="row">Resource21</th>') < page.index('<th scope="row">Ann</th>')


def test_an_empty_board_says_what_to_do(client: Client) -> None:
    assert "No case has been projected yet." in client.get("/permits/cases/").text


def test_the_board_says_what_waits(client: Client, write_rows: WriteRows) -> None:
    import_cases(write_rows(task(1)))

    assert "2 events are waiting" in client.get("/permits/cases/").text
