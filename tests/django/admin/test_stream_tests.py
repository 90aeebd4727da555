"""The test that is made of a stream: it passes as it is, and fails when a number in it is another."""

import ast
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from django_eventsourcing import get_application
from django_eventsourcing.models import StoredEventRecord
from django_eventsourcing.registry import reset
from django_eventsourcing.stream_tests import StreamTestError, stream_test
from example_project.permits.application import PermitCases
from example_project.permits.domain import Activity, CaseDetails, PermitCase
from tests.django.admin.odd import Box, Depot, Parcel, Size, Weight

ROOT = Path(__file__).resolve().parents[3]
SYSTEMS = {
    "default": {"SYSTEM": "tests.django.admin.kennel.system"},
    "odd": {
        "SYSTEM": "tests.django.admin.odd.system",
        "ENV": {"COMPRESSOR_TOPIC": "zlib"},
    },
    "permits": {"PIPES": [["example_project.permits.application.PermitCases"]]},
}
WEIGHT = Weight(grams=Decimal("31.50"), scale=UUID(int=7))
DUE = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=5, minutes=30)))


@pytest.fixture
def depot(db, settings):
    settings.EVENTSOURCING = SYSTEMS
    reset()
    return get_application(Depot)


def run(directory, *files):
    """Run the files by pytest in a project of their own; return how many passed, and failed."""
    settings = f"from tests.settings import *\nEVENTSOURCING = {SYSTEMS!r}\n"
    (directory / "own_settings.py").write_text(settings, encoding="utf-8")
    for number, text in enumerate(files):
        (directory / f"test_stream_{number}.py").write_text(text, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, "--tb=line", "--ds=own_settings"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--rootdir={directory}", str(directory)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{directory}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    return counts, done.stdout + done.stderr


def values_of(text):
    """Return where the values of events, and those that are expected, are in the file."""
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and node.targets[0].id in (
            "EVENTS",
            "VALUES",
            "ATTRIBUTES",
        ):
            for part in ast.walk(node.value):
                if isinstance(part, ast.Constant) and part.value is not None:
                    yield (
                        starts[part.lineno - 1] + part.col_offset,
                        starts[part.end_lineno - 1] + part.end_col_offset,
                    )


def mutations(text, most):
    """Yield the file with one of its numbers changed, for a sample of them."""
    data = text.encode()
    places = [
        begin + match.start()
        for begin, end in values_of(text)
        for match in re.finditer(rb"(?<![A-Za-z_0-9\\.])\d+", data[begin:end])
        if not data[begin:end].startswith(b"'tests.")
        and not data[begin:end].startswith(b"'example")
    ]
    assert places
    for place in places[:: max(1, len(places) // most)]:
        digit = b"8" if data[place : place + 1] != b"8" else b"1"
        yield (data[:place] + digit + data[place + 1 :]).decode()


def assert_it_holds(tmp_path, text, most=8):
    counts, output = run(tmp_path, text)
    assert counts == {"passed": 1}, output
    changed = list(mutations(text, most))
    directory = tmp_path / "changed"
    directory.mkdir()
    counts, output = run(directory, *changed)
    assert len(changed) >= most
    assert counts == {"failed": len(changed)}, output


@pytest.mark.usefixtures("depot")
def test_of_a_dog(tmp_path):
    from tests.django.admin.kennel import Kennel

    kennel = get_application(Kennel)
    dog_id = kennel.register("Rex 12", "sit 3")
    kennel.weigh(dog_id, Decimal("31.50"))
    kennel.rename(dog_id, "Max")

    text = stream_test(kennel, dog_id, 3)

    assert f"def test_dog_{str(dog_id)[:8]}_at_version_3():" in text
    assert "Max" not in text
    assert_it_holds(tmp_path, text)


@pytest.mark.usefixtures("depot")
def test_of_a_permit(tmp_path):
    cases = get_application(PermitCases)
    case = CaseDetails(
        case_id="case-10009",
        channel="Desk",
        department="General",
        group="Group 4",
        responsible="560464",
        started=DUE,
        deadline=None,
    )
    for number in range(3):
        cases.record(
            case,
            Activity(
                name=f"Step {number}",
                instance=f"task-{number}",
                resource="560464",
                group="EMPTY",
                completed_at=DUE + timedelta(days=number),
            ),
        )

    assert_it_holds(tmp_path, stream_test(cases, PermitCase.create_id("case-10009"), 4))


def test_of_odd_values_that_are_compressed_and_upcast(tmp_path, depot):
    parcel = Parcel({"a": [1, 2.5, None, True]}, Size.LARGE, WEIGHT, DUE)
    parcel.stamp(7, note={"of": [UUID(int=9), Decimal("0.10"), DUE]})
    box = Box("tools", 3)
    box.add(4)
    depot.save(parcel, box)
    old = StoredEventRecord.objects.get(originator_id=parcel.id, originator_version=1)
    state = depot.mapper.compressor.decompress(bytes(old.state))
    old.state = depot.mapper.compressor.compress(state.replace(b',"class_version":2', b""))
    assert old.state != state
    StoredEventRecord.objects.filter(pk=old.pk).update(state=old.state)

    (tmp_path / "parcel").mkdir()
    (tmp_path / "box").mkdir()
    assert_it_holds(tmp_path / "parcel", stream_test(depot, parcel.id, 2))
    assert_it_holds(tmp_path / "box", stream_test(depot, box.id, 2))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ODD = JSON | st.uuids() | st.decimals(allow_nan=False) | st.datetimes(timezones=st.timezones())


@bounds(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=ODD, note=ODD, size=st.sampled_from(Size))
def test_whatever_the_values_are_it_passes(depot, content, note, size):
    parcel = Parcel(content, size, WEIGHT, DUE)
    parcel.stamp(7, note=note)
    depot.save(parcel)

    text = stream_test(depot, parcel.id, 2)
    names = {}
    exec(compile(text, "test_stream.py", "exec"), names)
    [test] = [value for name, value in names.items() if name.startswith("test_")]

    test()


def test_a_name_that_is_code_is_text(depot):
    name = "'''\"\"\"\n import os; \\ \u202e {0}"
    box = Box(name, 1)
    depot.save(box)

    names = {}
    exec(stream_test(depot, box.id, 1), names)

    assert names["ATTRIBUTES"]["name"] == name
    assert "\u202e" not in stream_test(depot, box.id, 1)


def test_what_cannot_be_tested_is_told(depot, monkeypatch):
    box = Box("tools", 1)
    for number in range(3):
        box.add(number)
    depot.save(box)
    missing = uuid4()

    with pytest.raises(StreamTestError, match=f"Depot has no {missing} at version 1."):
        stream_test(depot, missing, 1)
    with pytest.raises(StreamTestError, match=f"Depot has no {box.id} at version 9."):
        stream_test(depot, box.id, 9)

    monkeypatch.setattr("django_eventsourcing.stream_tests.MOST_EVENTS", 2)
    with pytest.raises(StreamTestError, match="more than 2 events up to version 3, which is too"):
        stream_test(depot, box.id, 3)
    assert stream_test(depot, box.id, 2)

    StoredEventRecord.objects.filter(originator_version=2).update(state=b"{")
    with pytest.raises(StreamTestError, match="cannot be replayed: MapperDeserialisationError"):
        stream_test(depot, box.id, 2)


def test_what_is_another_each_time_is_told(depot, monkeypatch):
    box = Box("tools", 1)
    box.add(1)
    depot.save(box)
    monkeypatch.setattr(
        Box.Counted, "apply", lambda self, aggregate: setattr(aggregate, "mark", uuid4())
    )

    with pytest.raises(StreamTestError, match="make something else each time"):
        stream_test(depot, box.id, 2)
