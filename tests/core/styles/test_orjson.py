"""JSON written by orjson."""

import pytest

pytest.importorskip("orjson", reason="pip install orjson")

from tests.core.styles import declarative, orjson_transcoder
from tests.core.styles.contract import SchoolContract


class TestOrjson(SchoolContract):
    school_class = orjson_transcoder.DogSchool

    def test_what_is_written_is_the_same(self):
        school, other = orjson_transcoder.DogSchool(), declarative.DogSchool()
        dog = declarative.Dog("Žofie")
        dog.add_trick("sit")

        for event in dog.collect_events():
            stored = school.mapper.to_stored_event(event)

            assert stored == other.mapper.to_stored_event(event)
            assert school.mapper.to_domain_event(stored) == event
