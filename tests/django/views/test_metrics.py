"""The page of metrics: what Prometheus reads, every number in its place."""

import pytest

from django_eventsourcing.status import FollowerStatus, SystemStatus, Verdict
from django_eventsourcing.views.metrics import _Samples
from tests.django.commands.test_es_status import caught_up, caught_up_at_first
from tests.django.status.rows import add_tricks, ids_of, parked
from tests.django.views.prometheus import read

TOKEN = "a-token-for-tests-only"
pytestmark = pytest.mark.urls("tests.django.views.urls")


@pytest.fixture(autouse=True)
def token(settings):
    settings.EVENTSOURCING_TOKEN = TOKEN


def metrics(client):
    response = client.get("/eventsourcing/metrics/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return response.status_code, response.content.decode()


def sample(samples, name, **labels):
    return samples[f"eventsourcing_{name}", frozenset({"system": "default", **labels}.items())]


def test_each_number_is_told(client, configured, database):
    configured()
    caught_up_at_first(database)
    parked(database, 1)
    ids = ids_of(database)

    status, text = metrics(client)

    assert status == 200
    samples = read(text)
    pipe = {"follower": "Counters", "upstream": "DogSchool"}
    assert sample(samples, "up") == 1
    assert sample(samples, "workers") == 1
    assert sample(samples, "follower_position", **pipe) == ids[1]
    assert sample(samples, "follower_head", **pipe) == ids[3]
    assert sample(samples, "follower_behind", **pipe) == 2
    assert 0 <= sample(samples, "follower_behind_seconds", **pipe) < 60
    assert sample(samples, "follower_parked", follower="Counters") == 1
    assert sample(samples, "follower_parked", follower="Tally") == 0
    assert sample(samples, "follower_lease_live", follower="Counters") == 1
    worker = {"worker": "w1", "host": "kennel", "pid": "12"}
    assert 0 <= sample(samples, "worker_heartbeat_age_seconds", **worker) < 60


def test_one_verdict_holds(client, configured, database):
    configured()
    add_tricks("sit")

    samples = read(metrics(client)[1])

    verdicts = {
        v: sample(samples, "follower_verdict", follower="Counters", verdict=v) for v in Verdict
    }
    assert [verdict for verdict, value in verdicts.items() if value] == [Verdict.STUCK]
    assert sample(samples, "follower_lease_live", follower="Counters") == 0


def test_labels_are_escaped():
    name = 'a "quoted"\\ name\nin two lines'
    follower = FollowerStatus(name=name, database="default", verdict=Verdict.CAUGHT_UP)

    samples = read(
        "".join(_Samples([SystemStatus(alias="default", followers=(follower,))]).lines())
    )

    assert sample(samples, "follower_parked", follower=name) == 0


def test_what_cannot_be_read_is_left_out_and_not_up():
    away = FollowerStatus(name="Counters", database="default", error="refused")

    samples = read("".join(_Samples([SystemStatus(alias="default", followers=(away,))]).lines()))

    assert sample(samples, "up") == 0
    assert sample(samples, "follower_verdict", follower="Counters", verdict="unknown") == 1
    assert not any(name == "eventsourcing_follower_parked" for name, _ in samples)


@pytest.mark.django_db
def test_a_fault_in_the_settings_is_503(client, settings):
    settings.EVENTSOURCING = {"default": {"SYTEM": "tests.django.schools.system"}}

    status, text = metrics(client)

    assert status == 503
    assert text.startswith("# EVENTSOURCING['default'] has the unknown key 'SYTEM'.")
    assert text.count("\n") == 1


def test_nothing_of_an_event_is_told(client, configured, database):
    configured()
    add_tricks("s3cret-trick")
    caught_up(database)

    assert "s3cret" not in metrics(client)[1]
