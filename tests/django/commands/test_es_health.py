"""``manage.py es_health``: a line for each follower, and an exit code for probes."""

from tests.django.commands.calls import call, data_of
from tests.django.commands.test_es_status import caught_up, caught_up_at_first
from tests.django.status.rows import add_tricks, aged, told


def test_all_is_well(configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)

    assert call("es_health") == (
        0,
        "OK        Counters is caught up\nOK        Tally is caught up\n",
    )


def test_one_finding_ends_it_with_1(configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)
    told(database, "Tally", desired_state="paused", desired_reason="prices, Ann")

    assert call("es_health") == (
        1,
        "OK        Counters is caught up\nWARNING   Tally is paused: prices, Ann\n",
    )


def test_limits_are_those_of_the_options(configured, database):
    configured()
    caught_up_at_first(database)
    aged(database, 100)

    assert call("es_health", "--max-lag=2", "--max-age=500")[0] == 0
    assert call("es_health", "--max-lag=1")[0] == 1
    code, text = call("es_health", "--max-age=60")
    assert code == 1
    assert text.startswith(
        "WARNING   Counters is 2 behind and catching up; the oldest has been pending for 2 min, "
        "more than 1 min\n"
    )


def test_the_data_has_the_findings(configured, database):
    configured()
    add_tricks("sit")
    caught_up(database)

    assert data_of("es_health", "default") == (
        0,
        {
            "severity": "ok",
            "findings": [
                {
                    "severity": "ok",
                    "system": "default",
                    "follower": name,
                    "verdict": "caught up",
                    "words": f"{name} is caught up",
                }
                for name in ("Counters", "Tally")
            ],
        },
    )


def test_a_limit_that_is_no_number_is_refused(configured):
    configured()

    assert call("es_health", "--max-lag=some") == (
        1,
        "Error: argument --max-lag: 'some' is not a whole number from 0",
    )
