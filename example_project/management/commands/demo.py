"""The command `demo`: records the sample, runs the system, and checks what has been counted."""

import csv
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from django_eventsourcing import get_application
from example_project.permits.application import CaseStatistics
from example_project.permits.sample.generate import PATH as SAMPLE
from example_project.training.application import Counters, DogSchool

__all__ = ["Command"]

DOGS = {
    "Billy": ("roll over", "fetch ball", "play dead"),
    "Milly": ("roll over", "fetch ball"),
    "Scrappy": ("roll over",),
}
NEXT = """
Every count is that of the file. What to do next:

  {python} manage.py createsuperuser
      make yourself an account for the admin
  {python} manage.py run_system
      follow new events (in a terminal of its own)
  {python} manage.py runserver
      then open http://127.0.0.1:8000/ for the pages
      and http://127.0.0.1:8000/admin/ for the event log
"""


class Command(BaseCommand):
    """Show the system at work, from a file to checked counts."""

    help = (
        "Record the sample of permit cases and a few dogs through the applications, run the "
        "system until it has caught up, and check its counts against the file. It may be run "
        "again: nothing is recorded twice."
    )

    def handle(self, **options: Any) -> None:
        """Record, run, show, check."""
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
        in_file = _count_activities()
        statistics = get_application(CaseStatistics)
        counted = {activity: statistics.get_count(activity) for activity in in_file}
        self._table(
            ("Activity", "in the file", "counted"),
            {activity: (in_file[activity], counted[activity]) for activity in sorted(in_file)},
        )
        different = [
            f"{activity}: {in_file[activity]} in the file, {counted[activity]} counted"
            for activity in sorted(in_file)
            if in_file[activity] != counted[activity]
        ]
        if different:
            raise CommandError("The counts differ from the file. " + "; ".join(different))

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


def _count_activities() -> Counter[str]:
    """Count in the file itself, without any of the code that recorded it."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return Counter(row["concept:name"] for row in csv.DictReader(file))


def _python() -> str:
    """Return how to call this interpreter from here: its environment may not be activated."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else "python"
