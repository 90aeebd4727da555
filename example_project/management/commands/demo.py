"""The command `demo`: records the sample, runs the system, and checks what has been counted."""

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from django_eventsourcing import get_application
from django_eventsourcing.databases import require_ready
from eventsourcing.topics import get_topic
from example_project.permits.application import CaseStatistics, PermitCases
from example_project.permits.domain import PermitCase
from example_project.permits.sample.generate import PATH as SAMPLE
from example_project.training.application import Counters, DogSchool

__all__ = ["Command"]

WINDOW = 1_000
DOGS = {
    "Billy": ("roll over", "fetch ball", "play dead"),
    "Milly": ("roll over", "fetch ball"),
    "Scrappy": ("roll over",),
}
NEXT = """
What to do next:

  {python} manage.py createsuperuser
      make yourself an account for the admin
  {python} manage.py run_system
      follow new events (in a terminal of its own, until Ctrl-C)
  {python} manage.py runserver
      then open http://127.0.0.1:8000/ for the pages
      and http://127.0.0.1:8000/admin/ for the event log
"""


class Command(BaseCommand):
    """Show the system at work, from a file to checked counts."""

    help = (
        "Record the sample of permit cases and a few dogs through the applications, run the "
        "system until it has caught up, and check its counts against the file, and whatever else "
        "has been imported. It may be run again: nothing is recorded twice."
    )
    # Django's checks of models may ask the database, which is seen to be there first.
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        """Record, run, show, check."""
        require_ready()
        passed_on = {"stdout": self.stdout, "stderr": self.stderr}
        self._title("Recording the sample through the applications")
        call_command("import_cases", SAMPLE, **passed_on)
        self._register_dogs()
        self._title("Running the system until it has caught up")
        call_command("run_system", once=True, **passed_on)
        self._title("What the followers have counted")
        self._check_activities()
        self._show_tricks()
        self.stdout.write(NEXT.format(python=_python()))

    def _register_dogs(self) -> None:
        school = get_application(DogSchool)
        if school.recorder.max_notification_id() is not None:
            self.stdout.write("dog school: has dogs already")
            return
        for name, tricks in DOGS.items():
            dog_id = school.register_dog(name)
            for trick in tricks:
                school.add_trick(dog_id, trick)
        self.stdout.write(f"dog school: {len(DOGS)} dogs registered")

    def _check_activities(self) -> None:
        in_file, elsewhere = _count_file(), _count_elsewhere()
        statistics = get_application(CaseStatistics)
        lines = {
            activity: (count, elsewhere[activity], statistics.get_count(activity))
            for activity, count in sorted(in_file.items(), key=lambda item: (-item[1], item[0]))
        }
        if elsewhere:
            self.stdout.write(
                f"The log has activities from elsewhere too, such as another import: "
                f"{elsewhere.total():,}. The counts must be those of both."
            )
            self._table(("Activity", "in the file", "elsewhere", "counted"), lines)
        else:
            pairs = {activity: (line[0], line[2]) for activity, line in lines.items()}
            self._table(("Activity", "in the file", "counted"), pairs)
        different = [
            f"{activity}: {here} in the file, {there} elsewhere, {counted} counted"
            for activity, (here, there, counted) in lines.items()
            if here + there != counted
        ]
        if different:
            raise CommandError("The counts differ from the events. " + "; ".join(different))
        self.stdout.write(
            "Every count is that of the file and of what else the log has."
            if elsewhere
            else "Every count is that of the file."
        )

    def _show_tricks(self) -> None:
        counts = get_application(Counters).get_counts()
        self.stdout.write("")
        self._table(("Trick", "counted"), {trick: (count,) for trick, count in counts.items()})

    def _title(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{text}"))

    def _table(self, heading: tuple[str, ...], rows: Mapping[str, tuple[int, ...]]) -> None:
        width = max(map(len, (heading[0], *rows)))
        columns = "".join(f"{name:>13}" for name in heading[1:])
        self.stdout.write(f"  {heading[0]:<{width}}{columns}")
        for name, counts in rows.items():
            columns = "".join(f"{count:>13,}" for count in counts)
            self.stdout.write(f"  {name:<{width}}{columns}")


def _count_file() -> Counter[str]:
    """Count in the file itself, without any of the code that recorded it."""
    return Counter(row["concept:name"] for row in _read_file())


def _count_elsewhere() -> Counter[str]:
    """Count, in the log that the follower reads, the activities that are not of the file."""
    of_file = {
        (PermitCase.create_id(row["case:concept:name"]), row["concept:instance"])
        for row in _read_file()
    }
    return Counter(
        completed.activity
        for completed in _read_log()
        if (completed.originator_id, completed.instance) not in of_file
    )


def _read_file() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read_log() -> Iterator[PermitCase.ActivityCompleted]:
    permit_cases = get_application(PermitCases)
    topics = [get_topic(PermitCase.ActivityCompleted)]
    position = None
    while notifications := permit_cases.recorder.select_notifications(
        position, WINDOW, topics=topics, inclusive_of_start=False
    ):
        yield from map(permit_cases.mapper.to_domain_event, notifications)
        position = notifications[-1].id


def _python() -> str:
    """Return how to call this interpreter from here: its environment may not be activated."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else "python"
