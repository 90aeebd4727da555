"""Events that are structs of msgspec."""

import pytest

msgspec = pytest.importorskip("msgspec", reason="pip install msgspec")

from tests.core.styles import msgspec_immutable, msgspec_mutable  # noqa: E402
from tests.core.styles.contract import SchoolContract  # noqa: E402


class TestMutable(SchoolContract):
    school_class = msgspec_mutable.DogSchool

    def test_event_classes_of_methods_are_structs(self):
        assert msgspec_mutable.Dog.TrickAdded.__struct_fields__ == (
            "originator_id",
            "originator_version",
            "timestamp",
            "trick",
        )

    def test_an_event_does_not_change(self, school, fido):
        (added,) = school.events.get(fido, gt=3)

        with pytest.raises(AttributeError, match="immutable"):
            added.trick = "bark"


class TestImmutable(SchoolContract):
    school_class = msgspec_immutable.DogSchool

    def test_values_within_values_are_structs_again(self, school, fido):
        trick = school.find(fido).tricks[0]

        assert isinstance(trick, msgspec_immutable.Trick)
        assert trick.learned_on == next(school.events.get(fido, gt=1)).timestamp

    def test_stored_values_are_checked(self, school, fido):
        stored = school.mapper.to_stored_event(next(school.events.get(fido)))
        transcoder = school.mapper.transcoder
        school.mapper.compressor = school.mapper.cipher = None
        stored = type(stored)(fido, 1, stored.topic, transcoder.encode({"name": "Fido"}))

        with pytest.raises(
            ValueError, match="ValidationError: Object missing required field `timestamp`"
        ):
            school.mapper.to_domain_event(stored)
