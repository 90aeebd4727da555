"""``manage.py es_retry``, ``es_skip`` and ``es_deadletters``: what they print, and their codes."""

import getpass
from asyncio import CancelledError

import pytest

from django_eventsourcing import get_application, get_system
from django_eventsourcing.dead_letters import NotNextError, skip
from django_eventsourcing.models import DeadLetterRecord, FollowerRecord
from django_eventsourcing.runners import State, ThreadedRunner
from django_eventsourcing.times import utc_text
from tests.core.school import Counters, DogSchool, Tally
from tests.django.commands.calls import call, data_of
from tests.django.schools import Poisoned
from tests.waiting import wait_until

pytestmark = pytest.mark.long_elsewhere("postgres")

PARKS = {"retries": 0, "then": "park"}
STOPS = {"retries": 0}
TOPIC = "tests.core.school:Dog.TrickAdded"


@pytest.fixture
def mend(monkeypatch):
    return lambda: monkeypatch.delattr(Poisoned, "policy")


@pytest.fixture
def letter(database):
    """Return what gives the dead letters of a version of the dog."""
    return lambda version: DeadLetterRecord.objects.using(database).get(originator_version=version)


def teach(*tricks):
    school = get_application(DogSchool)
    dog_id = school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return dog_id


@pytest.fixture
def parked(configured):
    """Let a follower park the second trick and the one after it; return the dog's id."""
    configured("poisoned_system", ON_ERROR=PARKS)
    dog_id = teach("sit", "sing", "stay")
    call("run_system", "--once")
    return dog_id


@pytest.fixture
def stopped(configured):
    """Let a follower stop at the second trick; return the dog's id."""
    configured("poisoned_system", ON_ERROR=STOPS)
    dog_id = teach("sit", "sing", "stay")
    call("run_system", "--once")
    return dog_id


def test_a_run_that_is_to_catch_up_ends_with_3_while_something_is_parked(configured):
    configured("poisoned_system", ON_ERROR=PARKS)
    teach("sit", "sing", "stay")

    for _ in range(2):
        code, text = call("run_system", "--once")

        assert code == 3
        assert text.endswith(
            "Caught up, with 2 notifications of Poisoned parked.  HINT: See them by 'manage.py "
            "es_deadletters', mend the cause, and process them by 'manage.py es_retry FOLLOWER'."
        )
    assert get_application(Counters).get_count("sing") == 1


def test_after_the_fix_they_are_processed(parked, letter, mend):
    mend()

    code, text = call("es_retry", "Poisoned")

    assert (code, text) == (
        0,
        (
            f"DogSchool {letter(3).notification_id} ({TOPIC}) is processed\n"
            f"DogSchool {letter(4).notification_id} ({TOPIC}) is processed\n"
        ),
    )
    assert letter(3).reason == f"retried by {getpass.getuser()}"
    assert call("run_system", "--once")[0] == 0
    assert get_application(Poisoned).get_count("stay") == 1
    assert get_application(Tally).get_total() == 3


def test_what_fails_again_is_told_by_3(parked, letter):
    code, text = call("es_retry", "Poisoned", "--all")

    assert (code, text) == (
        3,
        (
            f"DogSchool {letter(3).notification_id} ({TOPIC}) failed again: ValueError: dogs do "
            "not sing\nPoisoned has 2 notifications parked as before.  HINT: See 'manage.py "
            "es_deadletters Poisoned' for why."
        ),
    )


def test_a_policy_that_is_cancelled_has_failed_again(parked, letter, monkeypatch):
    monkeypatch.setattr(Poisoned, "policy", raising(CancelledError("given up")))

    code, text = call("es_retry", "Poisoned")

    assert code == 3
    assert "failed again: CancelledError: given up\n" in text
    assert letter(3).error == "CancelledError: given up"


def test_an_interrupt_ends_it(parked, letter, monkeypatch):
    monkeypatch.setattr(Poisoned, "policy", raising(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        call("es_retry", "Poisoned")

    assert (letter(3).attempts, letter(3).error) == (1, "ValueError: dogs do not sing")


def raising(error):
    def policy(follower, domain_event, processing_event):
        raise error

    return policy


def test_the_data_of_a_try(parked, letter, mend):
    mend()

    code, data = data_of("es_retry", "Poisoned", f"--aggregate={parked}")

    assert code == 0
    assert [(t["notification_id"], t["originator_id"], t["error"]) for t in data["tried"]] == [
        (letter(3).notification_id, str(parked), ""),
        (letter(4).notification_id, str(parked), ""),
    ]
    assert (data["parked"], data["retry_requested"]) == (0, False)


def test_one_notification_is_tried(parked, letter, mend):
    mend()

    assert call("es_retry", "Poisoned", f"--notification={letter(3).notification_id}")[0] == 0
    assert (letter(3).status, letter(4).status) == ("processed", "parked")


def test_one_that_waits_for_another_is_refused(parked, letter):
    code, text = call("es_retry", "Poisoned", f"--notification={letter(4).notification_id}")

    assert code == 1
    assert text.startswith(
        f"Poisoned: notification {letter(4).notification_id} of DogSchool waits for "
    )


def test_a_dry_run_shows_what_would_be(parked, letter, mend):
    mend()

    code, text = call("es_retry", "Poisoned", "--dry-run")

    lines = text.splitlines()
    assert code == 0
    assert lines[0] == f"DogSchool {letter(3).notification_id} ({TOPIC}), rolled back:"
    assert lines[1].startswith("  event  Poisoned ")
    assert any(line.startswith("  sql    ") and "INSERT INTO " in line for line in lines)
    assert letter(3).status == "parked"


def test_a_dry_run_that_fails_is_told_by_3(parked):
    code, text = call("es_retry", "Poisoned", "--dry-run")

    assert code == 3
    assert text.endswith(
        "It would fail: ValueError: dogs do not sing  HINT: Mend the cause, and try again."
    )


def test_the_data_of_a_dry_run_of_a_follower_that_has_stopped(stopped, mend):
    mend()

    code, data = data_of("es_retry", "Poisoned", "--dry-run")

    assert code == 0
    assert [event["application_name"] for event in data["dry_run"]["events"]] == ["Poisoned"] * 2
    assert get_application(Poisoned).get_count("sing") == 0


def test_there_may_be_nothing_to_try(configured):
    configured()

    assert call("es_retry", "Counters") == (
        0,
        "Counters has nothing parked, and has not stopped\n",
    )
    assert call("es_retry", "Counters", "--dry-run") == (
        1,
        (
            "Counters has nothing parked, and nothing left to process.  "
            "HINT: There is nothing to try."
        ),
    )


@pytest.mark.long_elsewhere("mariadb")
def test_a_follower_that_has_stopped_tries_again_at_once(configured, mend):
    configured("poisoned_system", ON_ERROR=STOPS)
    system = get_system()

    with ThreadedRunner(system) as runner:
        teach("sit", "sing")
        wait_until(lambda: state(runner) is State.FAILED, "stopped")
        wait_until(lambda: data_of("es_retry", "Poisoned")[1]["retry_requested"], "on record")
        wait_until(lambda: state(runner) is State.FAILED, "stopped again")
        assert call("es_retry", "Poisoned") == (
            0,
            "Poisoned is to try again at once what it has stopped at\n",
        )
        mend()
        assert data_of("es_retry", "Poisoned")[1]["waits_for"] is None
        wait_until(lambda: system.get(Poisoned).get_count("sing") == 1, "counted")


def test_a_follower_that_has_stopped_waits_for_a_worker(stopped):
    assert call("es_retry", "Poisoned") == (
        0,
        (
            "Poisoned tries again what it has stopped at when 'manage.py run_system' runs it: no "
            "worker does now\n"
        ),
    )
    assert data_of("es_retry", "Poisoned")[1]["waits_for"] == "worker"


def test_a_failure_that_is_past_is_not_tried_again(stopped, database):
    records = FollowerRecord.objects.using(database).filter(application_name="Poisoned")
    [failure] = records.values("upstream_name", "notification_id", "failed_at", "error")
    call("es_skip", "Poisoned", "--reason=a joke")
    call("run_system", "--once")
    # A worker that ends at once may leave it on record.
    records.update(**failure)

    assert call("es_retry", "Poisoned") == (
        0,
        "Poisoned has nothing parked, and has not stopped\n",
    )


def test_a_follower_that_is_paused_waits_to_be_resumed(stopped):
    call("es_pause", "Poisoned", "--reason=prices")

    assert call("es_retry", "Poisoned") == (
        0,
        (
            "Poisoned tries again what it has stopped at when it is resumed by 'manage.py es_resume "
            "Poisoned': it is paused now\n"
        ),
    )
    assert data_of("es_skip", "Poisoned", "--reason=a joke")[1]["waits_for"] == "resume"


def state(runner):
    return next(r.state for r in runner.reports() if r.follower == "Poisoned")


def test_the_notification_that_has_failed_is_skipped(stopped, letter):
    code, text = call("es_skip", "Poisoned", "--reason=a joke")

    skipped = letter(3)
    assert (code, text) == (
        0,
        (
            f"Poisoned: notification {skipped.notification_id} is skipped: a joke\n"
            "Poisoned goes on after it when 'manage.py run_system' runs it: no worker does now\n"
        ),
    )
    assert (skipped.status, skipped.error) == ("skipped", "ValueError: dogs do not sing")
    assert skipped.reason == f"a joke (by {getpass.getuser()})"
    assert call("run_system", "--once")[0] == 0
    assert get_application(Poisoned).get_count("stay") == 1


def test_a_follower_that_has_stopped_goes_on_after_a_skip(configured):
    configured("poisoned_system", ON_ERROR=STOPS)
    system = get_system()

    with ThreadedRunner(system) as runner:
        teach("sing", "stay")
        wait_until(lambda: state(runner) is State.FAILED, "stopped")
        wait_until(lambda: skipped().endswith("\nPoisoned goes on after it\n"), "on record")
        wait_until(lambda: system.get(Poisoned).get_count("stay") == 1, "counted")


def skipped():
    return call("es_skip", "Poisoned", "--reason=a joke")[1]


def test_another_notification_than_the_next_is_not_skipped(stopped, database):
    failed = FollowerRecord.objects.using(database).get(application_name="Poisoned")

    code, text = call("es_skip", "Poisoned", "--reason=a joke", "--notification=9999999")

    assert (code, text) == (
        1,
        (
            "Poisoned: notification 9999999 of DogSchool is not the next one: that is "
            f"{failed.notification_id}.  HINT: See 'manage.py es_status' for where it has "
            "stopped."
        ),
    )


def test_a_follower_that_has_not_stopped_skips_nothing(configured):
    configured()
    teach("sit")

    assert call("es_skip", "Counters", "--reason=a joke") == (
        1,
        (
            "Counters has not stopped at a notification.  HINT: Name the one to be skipped by "
            "--notification; it has to be the next one."
        ),
    )


@pytest.mark.long_elsewhere("default")
@pytest.mark.parametrize("options", [[], ["--notification=9999999"]])
def test_a_follower_that_parks_is_led_to_what_it_has_parked(parked, options):
    code, text = call("es_skip", "Poisoned", "--reason=a joke", *options)

    assert code == 1
    assert text.endswith(
        "HINT: It has parked 2: see 'manage.py es_deadletters Poisoned', and give one up by "
        "'manage.py es_deadletters --discard ID --reason TEXT'."
    )


def test_a_notification_that_is_processed_meanwhile_is_not_skipped(stopped, monkeypatch, mend):
    system = get_system()
    follower = system.get(Poisoned)
    pull = follower.pull_notifications
    mend()

    def overtaken(*args, **kwargs):
        found = pull(*args, **kwargs)
        monkeypatch.setattr(follower, "pull_notifications", pull)
        call("run_system", "--once")
        return found

    monkeypatch.setattr(follower, "pull_notifications", overtaken)

    with pytest.raises(NotNextError, match="Poisoned has gone on past notification"):
        skip(system, "Poisoned", reason="a joke")

    assert follower.get_count("sing") == 1


def test_a_parked_one_is_given_up_by_skipping_it(parked, letter, mend):
    number = letter(3).notification_id
    mend()

    code, data = data_of("es_skip", "Poisoned", "--reason=a joke", f"--notification={number}")

    assert (code, data["status"], data["notification_id"]) == (0, "discarded", number)
    assert call("es_retry", "Poisoned")[0] == 0
    assert get_application(Poisoned).get_count("sing") == 0


def test_what_is_parked_is_listed(parked, letter):
    first, second = letter(3), letter(4)

    assert call("es_deadletters") == (
        0,
        (
            f"{first.id}  Poisoned: DogSchool {first.notification_id} ({TOPIC}) of {parked} "
            "version 3  parked, tried once: ValueError: dogs do not sing\n"
            f"{second.id}  Poisoned: DogSchool {second.notification_id} ({TOPIC}) of {parked} "
            "version 4  parked: behind an earlier one of its aggregate\n"
        ),
    )
    assert call("es_deadletters", "Counters") == (0, "Nothing is parked\n")
    assert call("es_deadletters", "--status=skipped") == (0, "Nothing is skipped\n")


def test_what_has_been_processed_is_listed_with_how_and_when(parked, letter, mend):
    call("es_retry", "Poisoned")
    mend()
    call("es_retry", "Poisoned")
    first, second = letter(3), letter(4)

    _, text = call("es_deadletters", "--status=processed")

    by = f"retried by {getpass.getuser()}"
    lines = [line.partition(" version ")[2] for line in text.splitlines()]
    assert lines == [
        (
            f"3  processed at {utc_text(first.resolved_at)} UTC: {by}; it had failed 2 times: "
            "ValueError: dogs do not sing"
        ),
        (
            f"4  processed at {utc_text(second.resolved_at)} UTC: {by}; it had waited behind an "
            "earlier one of its aggregate"
        ),
    ]


def test_what_has_been_given_up_is_listed_with_why_and_when(parked, letter):
    call("es_deadletters", f"--discard={letter(3).id}", "--reason=a joke")
    given_up = letter(3)

    _, text = call("es_deadletters", "--status=discarded")

    assert text.endswith(
        f"  discarded at {utc_text(given_up.resolved_at)} UTC: a joke (by {getpass.getuser()}); it "
        "had failed once: ValueError: dogs do not sing\n"
    )


def test_one_that_is_processed_meanwhile_is_not_given_up(parked, letter, mend):
    mend()
    call("es_retry", "Poisoned")
    done = letter(3)

    assert call("es_deadletters", f"--discard={done.id}", "--reason=a joke") == (
        1,
        (
            f"Poisoned has no notification {done.notification_id} parked: it was processed at "
            f"{utc_text(done.resolved_at)} UTC: retried by {getpass.getuser()}.  HINT: See "
            "'manage.py es_deadletters Poisoned --status processed'."
        ),
    )


def test_the_data_of_the_list(parked, letter):
    code, data = data_of("es_deadletters", "Poisoned", "--limit=1", "--status=any")

    assert code == 0
    ((one),) = data["letters"]
    assert (one["id"], one["follower"], one["originator_id"], one["is_behind"]) == (
        letter(3).id,
        "Poisoned",
        str(parked),
        False,
    )


def test_a_letter_is_discarded_with_a_reason(parked, letter, mend):
    mend()

    code, text = call("es_deadletters", f"--discard={letter(3).id}", "--reason=a joke")

    assert (code, text) == (
        0,
        f"Poisoned: DogSchool {letter(3).notification_id} is discarded: a joke\n",
    )
    assert letter(3).reason == f"a joke (by {getpass.getuser()})"
    assert call("es_retry", "Poisoned")[0] == 0
    assert letter(4).status == "processed"
    assert call("es_deadletters", f"--discard={letter(3).id}", "--reason=again")[0] == 1


@pytest.mark.parametrize("options", [["--discard=1"], ["--reason=a joke"]])
def test_a_discard_and_its_reason_belong_together(configured, options):
    configured()

    assert call("es_deadletters", *options) == (
        2,
        "--discard and --reason belong together.  HINT: Say which letter, and why.",
    )


def test_a_letter_that_is_not_there_is_told(configured):
    configured()

    assert call("es_deadletters", "--discard=99999999", "--reason=a joke") == (
        1,
        "There is no dead letter 99999999.  HINT: See 'manage.py es_deadletters' for their ids.",
    )
