"""Cases recorded quickly, and what their rows must be, computed from a file alone."""

from collections import Counter
from dataclasses import asdict
from itertools import groupby

from example_project.permits.domain import PermitCase
from example_project.permits.models import CaseRow

COLUMNS = (
    *("case_id", "channel", "department", "responsible", "started", "deadline"),
    *("state", "state_since", "activities", "open_days", "is_late"),
)
SAVED_AT_ONCE = 500


def record_all(permit_cases, rows):
    """Record all activities in the order of the rows, many in one transaction."""
    cases = {}
    events = []
    for row in rows:
        case = cases.get(row.case.case_id)
        if case is None:
            case = cases[row.case.case_id] = PermitCase(**asdict(row.case))
        case.complete(row.activity)
        events += case.collect_events()
    for start in range(0, len(events), SAVED_AT_ONCE):
        permit_cases.save(*events[start : start + SAVED_AT_ONCE])


def rows_of(alias):
    """Return the rows that the database has, by the number of the case."""
    found = CaseRow.objects.using(alias).values(*COLUMNS)
    return {row["case_id"]: row for row in found}


def expected_rows(rows):
    """Return what there must be, without any code of the projection."""
    by_case = sorted(rows, key=lambda row: row.case.case_id)
    return {
        case_id: _expected(list(group))
        for case_id, group in groupby(by_case, lambda row: row.case.case_id)
    }


def expected_loads(rows):
    """Return how many activities each resource must have."""
    return Counter(row.activity.resource for row in rows)


def _expected(rows):
    case = rows[0].case
    moments = [row.activity.completed_at for row in rows]
    last = max(moments)
    return {
        "case_id": case.case_id,
        "channel": case.channel,
        "department": case.department,
        "responsible": case.responsible,
        "started": case.started,
        "deadline": case.deadline,
        "state": [row.activity.name for row in rows if row.activity.completed_at == last][-1],
        "state_since": last,
        "activities": len(rows),
        "open_days": (last - case.started).days,
        "is_late": case.deadline is not None and last > case.deadline,
    }
