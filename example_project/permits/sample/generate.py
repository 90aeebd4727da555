"""Generator of the sample, always the same: `python -m example_project.permits.sample.generate`."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

__all__ = ["COLUMNS", "PATH", "generate_sample"]

PATH = Path(__file__).with_name("permits.csv")
SEED = 20240102
CASES = 60

COLUMNS = (
    *("case:channel", "case:concept:name", "case:deadline", "case:department", "case:enddate"),
    *("case:enddate_planned", "case:group", "case:responsible", "case:startdate"),
    *("concept:instance", "concept:name", "lifecycle:transition"),
    *("org:group", "org:resource", "time:timestamp"),
)
CHANNELS = ("Website", "Website", "Website", "Front office", "Letter", "Telephone")
DEPARTMENTS = ("Building", "Building", "Trees and water", "Events")
TEAMS = {
    "Front office": ("Ida Brook", "Jonas Pell", "Mira Castell"),
    "Case handling": ("Nadia Orr", "Tom Varga", "Wim Aldous", "Yara Finch"),
    "Advice": ("Bela Storm", "Chris Hollow"),
    "Legal": ("Emre Lindt", "Flora Quist"),
}
# Who does what, after how many hours at most.
WORK = {
    "Register application": ("Front office", 2),
    "Confirm receipt": ("Front office", 6),
    "Check completeness": ("Case handling", 60),
    "Ask for documents": ("Case handling", 20),
    "Add documents": ("Front office", 240),
    "Visit site": ("Advice", 160),
    "Advise on safety": ("Advice", 120),
    "Ask neighbours": ("Case handling", 200),
    "Draft decision": ("Case handling", 100),
    "Review decision": ("Legal", 80),
    "Revise decision": ("Case handling", 40),
    "Send decision": ("Front office", 30),
}
# The clocks go forward and back on these days of the year of the sample.
SUMMER = (datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 10, 27, 1, tzinfo=UTC))


def generate_sample() -> str:
    """Return the sample as the text of a CSV file, grouped by case like a real event log."""
    random = Random(SEED)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    instance = 5_000
    for number in range(1, CASES + 1):
        case, activities = _case(random, number)
        for name, team, person, moment in activities:
            instance += 1
            row = {
                **case,
                "concept:instance": f"work-{instance}",
                "concept:name": name,
                "lifecycle:transition": "complete",
                "org:group": team,
                "org:resource": person,
                "time:timestamp": _local(moment),
            }
            writer.writerow([row[column] for column in COLUMNS])
    return text.getvalue()


def _case(
    random: Random, number: int
) -> tuple[dict[str, str], list[tuple[str, str, str, datetime]]]:
    received = datetime(2024, 1, 2, 8, tzinfo=UTC) + timedelta(
        days=number * 2, minutes=int(random.random() * 500)
    )
    moment = received
    activities = []
    for name in _course(random):
        team, hours = WORK[name]
        moment = _office_hours(moment + timedelta(minutes=20 + random.random() * hours * 60))
        activities.append((name, team, _pick(random, TEAMS[team]), moment))
    decided = activities[-1][0] == "Send decision"
    case = {
        "case:channel": _pick(random, CHANNELS),
        "case:concept:name": f"permit-{number:03}",
        "case:deadline": _local(received + timedelta(days=56)),
        "case:department": _pick(random, DEPARTMENTS),
        "case:enddate": _local(moment) if decided else "",
        "case:enddate_planned": _local(received + timedelta(days=42)),
        "case:group": "Case handling" if random.random() < 0.7 else "",
        "case:responsible": _pick(random, TEAMS["Case handling"]),
        "case:startdate": _local(received),
    }
    return case, activities


def _course(random: Random) -> Iterator[str]:
    """Yield what is done in a case; a few applications are withdrawn on the way."""
    yield "Register application"
    yield "Confirm receipt"
    yield "Check completeness"
    while random.random() < 0.25:
        yield "Ask for documents"
        if random.random() < 0.15:
            return
        yield "Add documents"
        yield "Check completeness"
    if random.random() < 0.35:
        yield "Visit site"
    if random.random() < 0.25:
        yield "Advise on safety"
    if random.random() < 0.2:
        yield "Ask neighbours"
    if random.random() < 0.1:
        return
    yield "Draft decision"
    yield "Review decision"
    while random.random() < 0.2:
        yield "Revise decision"
        yield "Review decision"
    yield "Send decision"


def _pick(random: Random, choices: Sequence[str]) -> str:
    # Other methods of Random may choose differently in another version of Python.
    return choices[int(random.random() * len(choices))]


def _office_hours(moment: datetime) -> datetime:
    if moment.hour >= 16:
        moment = moment.replace(hour=8) + timedelta(days=1)
    if moment.hour < 7:
        moment = moment.replace(hour=8)
    if moment.weekday() >= 5:
        moment += timedelta(days=7 - moment.weekday())
    return moment


def _local(moment: datetime) -> str:
    hours = 2 if SUMMER[0] <= moment < SUMMER[1] else 1
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat(" ", "milliseconds")


if __name__ == "__main__":
    PATH.write_text(generate_sample(), encoding="utf-8", newline="")
