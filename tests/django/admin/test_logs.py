"""The notification logs: the applications, and the sections of each, linked to one another."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.django.admin.pages import LOGS, ids, link, text
from tests.django.admin.records import make_events

KENNEL = f"{LOGS}default/Kennel/"


def mixed_events(count):
    """Make events of the kennel between others, so that its ids have gaps."""
    make_events(count, application_name=lambda n: "Tally" if n % 3 == 0 else "Kennel")
    return [n for n in range(1, count + 1) if n % 3]


def test_index_lists_the_applications_with_the_heads_of_their_logs(client):
    make_events(3, application_name=lambda n: "Kennel" if n < 3 else "Tally")

    shown = text(client.get(LOGS))

    assert (
        "Kennel default default 2 Newest section of Kennel Tally default default 3 Newest section "
        "of Tally Names default default none yet" in shown
    )


def test_breadcrumbs_lead_up_to_the_home_of_the_admin(client):
    page = client.get(f"{KENNEL}newest/").content.decode()
    trail = re.findall(r"<li[^>]*>(?:<a [^>]*>)?([^<]+)", page.partition('class="breadcrumbs"')[2])

    assert trail[:6] == [
        "Home",
        "Event sourcing",
        "Stored events",
        "Notification logs",
        "Notification log of Kennel",
        "Notification log of Kennel in sections",
    ]


def test_index_leads_to_the_newest_section(client):
    make_events(25)

    page = client.get(LOGS).content.decode()

    assert f'<a href="{KENNEL}newest/">Newest section' in page
    assert ids(client.get(f"{KENNEL}newest/")) == list(range(16, 26))


def test_sections_and_list_lead_to_each_other(client):
    make_events(25)

    log = client.get(link(client.get(LOGS), "Kennel"))
    section = client.get(link(log, "Sections"))

    assert ids(log) == list(range(25, 0, -1))
    assert ids(section) == list(range(16, 26))
    assert ids(client.get(link(section, "Newest first, as one list"))) == ids(log)


def test_application_in_memory_is_listed_and_read(client, settings):
    from django_eventsourcing import get_application
    from tests.django.admin.kennel import Kennel

    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "ENV": {"PERSISTENCE_MODULE": "eventsourcing.popo"},
        }
    }
    get_application(Kennel).register("Rex", *map(str, range(14)))

    index = client.get(LOGS)
    newest = client.get(f"{KENNEL}newest/")

    assert "Kennel default none: kept elsewhere 15" in text(index)
    assert ids(newest) == list(range(6, 16))
    assert link(newest, "Next") is None
    assert ids(client.get(link(newest, "Previous")))[:5] == [1, 2, 3, 4, 5]


def test_section_is_that_of_the_notification_log(client, kennel):
    kennel.register("Rex", *map(str, range(14)))
    section = kennel.notification_log["3,8"]

    response = client.get(f"{KENNEL}3,8/")

    assert ids(response) == [item.id for item in section.items]
    assert f"Section {section.id}" in text(response)


def test_links_lead_to_the_end_through_all_notifications(client):
    expected = mixed_events(50)
    response = client.get(f"{KENNEL}first/")
    found = ids(response)
    while (url := link(response, "Next")) is not None:
        response = client.get(url)
        found.extend(ids(response))

    assert found == expected


def test_links_lead_back_to_the_start_through_all_notifications(client):
    expected = mixed_events(50)
    response = client.get(f"{KENNEL}newest/")
    found = ids(response)
    while (url := link(response, "Previous")) is not None:
        response = client.get(url)
        found = [number for number in ids(response) if number < found[0]] + found

    assert found == expected


def test_newest_section_has_no_next(client):
    mixed_events(50)

    newest = client.get(f"{KENNEL}newest/")

    assert link(newest, "Next") is None
    assert link(newest, "Newest") is None
    assert link(newest, "First") is not None


def test_first_section_has_no_previous(client):
    mixed_events(50)

    first = client.get(f"{KENNEL}first/")

    assert link(first, "Previous") is None
    assert link(first, "Newest") is not None


def test_payload_can_be_unfolded(client, kennel):
    kennel.register("<script>alert(1)</script>")

    page = client.get(f"{KENNEL}newest/").content.decode()

    assert page.count("<details>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_originator_leads_to_the_list_of_its_events(client, kennel):
    dog_id = kennel.register("Rex", "sit")
    kennel.register("Fido")

    response = client.get(link(client.get(f"{KENNEL}newest/"), str(dog_id)))

    assert len(ids(response)) == 2


def test_unreadable_notification_does_not_hide_the_others(client):
    make_events(2, state=lambda n: b"{" if n == 1 else b'{"trick":"sit","timestamp":null}')

    shown = text(client.get(f"{KENNEL}newest/"))

    assert "Unreadable the payload of 1 The payload cannot be read." in shown
    assert '"trick": "sit"' in shown


def test_empty_log_says_so(client):
    response = client.get(f"{KENNEL}newest/")

    assert response.status_code == 200
    assert "This section has no notifications." in text(response)


def test_section_beyond_the_end_leads_back(client):
    make_events(25)

    response = client.get(f"{KENNEL}1000,1009/")

    assert ids(response) == []
    assert ids(client.get(link(response, "Previous"))) == list(range(16, 26))


@pytest.mark.parametrize(
    "section", ["abc", "1", "1,2,3", "1,x", "1'--,2", "<script>alert(1)<", "9" * 60 + ",1", ","]
)
def test_junk_as_a_section_is_told(client, section):
    make_events(2)

    response = client.get(f"{KENNEL}{section}/")

    assert response.status_code == 400
    assert "is not the ID of a section. Give the first and the last notification's ID" in text(
        response
    )
    assert "<script>alert" not in response.content.decode()
    assert ids(client.get(link(response, "Show the newest section"))) == [1, 2]


@pytest.mark.parametrize(
    "section", [f"1,{10**9}", f"-5,{2**63}", f"{2**63},{2**64}", "10,1", "0,0", "-9,-1"]
)
def test_section_of_any_size_is_cut_to_that_of_the_log(client, section):
    make_events(200)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"{KENNEL}{section}/")

    assert response.status_code == 200
    assert len(ids(response)) <= 10
    assert len([q for q in queries if "storedeventrecord" in q["sql"]]) <= 3
    assert not [q for q in queries if "COUNT" in q["sql"] or "OFFSET" in q["sql"]]


def test_log_of_an_application_that_cannot_be_built_says_why(client, settings):
    settings.EVENTSOURCING = {
        "default": {
            "SYSTEM": "tests.django.admin.kennel.system",
            "ENV": {"COMPRESSOR_TOPIC": "no_such_module:Compressor"},
        }
    }
    make_events(1)

    response = client.get(f"{KENNEL}newest/")

    assert response.status_code == 200
    assert "The log cannot be read:" in text(response)
    assert "no_such_module" in text(response)


@pytest.mark.parametrize("path", ["default/Nobody/newest/", "nowhere/Kennel/newest/"])
def test_unknown_application_is_not_found(client, path):
    assert client.get(f"{LOGS}{path}").status_code == 404


def test_two_systems_have_their_logs_side_by_side(client, settings):
    settings.EVENTSOURCING = {
        "default": {"SYSTEM": "tests.django.admin.kennel.system"},
        "other": {"SYSTEM": "tests.django.admin.kennel.other_system"},
    }
    make_events(2, application_name="Visits")

    shown = text(client.get(LOGS))

    assert "Visits other default 2" in shown


def test_name_with_slashes_has_a_page(client, settings):
    settings.EVENTSOURCING = {"a/b": {"SYSTEM": "tests.django.admin.kennel.other_system"}}
    make_events(1, application_name="Visits")

    log = client.get(link(client.get(LOGS), "Visits"))

    assert ids(log) == ids(client.get(link(log, "Sections"))) == [1]
