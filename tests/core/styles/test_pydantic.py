"""Events that are Pydantic models."""

from dataclasses import replace

import pytest

pydantic = pytest.importorskip("pydantic", reason="pip install pydantic")

from tests.core.styles import pydantic_immutable, pydantic_mutable  # noqa: E402
from tests.core.styles.contract import SchoolContract  # noqa: E402


class TestMutable(SchoolContract):
    school_class = pydantic_mutable.DogSchool

    def test_a_wrong_value_triggers_nothing(self, school, fido):
        dog = school.find(fido)

        with pytest.raises(pydantic.ValidationError, match="at least 1 character"):
            dog.add_trick("")

        assert (dog.version, dog.pending_events) == (4, [])

    def test_a_wrong_value_makes_no_dog(self):
        with pytest.raises(pydantic.ValidationError, match="at least 1 character"):
            pydantic_mutable.Dog("")

    def test_event_classes_of_methods_are_models(self):
        assert list(pydantic_mutable.Dog.TrickAdded.model_fields) == [
            "originator_id",
            "originator_version",
            "timestamp",
            "trick",
        ]

    def test_an_event_does_not_change(self, school, fido):
        (added,) = school.events.get(fido, gt=3)

        with pytest.raises(pydantic.ValidationError, match="frozen"):
            added.trick = "bark"

    def test_an_event_that_is_read_knows_which_fields_are_set(self, school, fido):
        (added,) = school.events.get(fido, gt=3)

        assert added.model_fields_set == set(type(added).model_fields)


class TestImmutable(SchoolContract):
    school_class = pydantic_immutable.DogSchool

    def test_values_within_values_are_models_again(self, school, fido):
        trick = school.find(fido).tricks[0]

        assert isinstance(trick, pydantic_immutable.Trick)
        assert trick.learned_on == next(school.events.get(fido, gt=1)).timestamp

    def test_stored_values_are_checked(self, school, fido):
        stored = school.mapper.to_stored_event(next(school.events.get(fido)))
        transcoder = school.mapper.transcoder
        school.mapper.compressor = school.mapper.cipher = None
        wrong = {"timestamp": "yesterday", "name": "Fido"}
        stored = type(stored)(fido, 1, stored.topic, transcoder.encode(wrong))

        with pytest.raises(ValueError, match="version 1 cannot be read: ValidationError"):
            school.mapper.to_domain_event(stored)


class TestRelatedEvents:
    def test_classes_stay_related(self):
        cat = pydantic_mutable.Cat

        assert issubclass(cat.Climbed, cat.Moved)
        assert issubclass(cat.Hid, cat.Moved)
        assert issubclass(cat.Climbed, cat.Event)

    def test_generic_events_check_their_arguments(self):
        cat = pydantic_mutable.Cat()
        cat.trigger_event(cat.Hid, where="under the bed")

        with pytest.raises(pydantic.ValidationError, match="valid integer"):
            cat.trigger_event(cat.Climbed, where="the roof")

        assert (cat.where, cat.version) == ("under the bed", 2)

    def test_older_state_is_upcast_before_it_is_checked(self):
        mapper = pydantic_mutable.DogSchool().mapper
        cat = pydantic_mutable.Cat()
        cat.trigger_event(cat.Climbed, where=3)
        stored = mapper.to_stored_event(cat.pending_events[1])
        old = {"timestamp": cat.modified_on, "height": "3"}
        old = replace(stored, state=mapper.transcoder.encode(old))

        assert mapper.to_domain_event(old) == cat.pending_events[1]
