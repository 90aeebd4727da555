"""The styles that need nothing but the standard library."""

from tests.core.styles import (
    dataclass_style,
    declarative,
    decorated_class,
    explicit,
    functional,
    immutable,
    text_ids,
)
from tests.core.styles.contract import SchoolContract


class TestExplicit(SchoolContract):
    school_class = explicit.DogSchool


class TestDeclarative(SchoolContract):
    school_class = declarative.DogSchool


class TestDataclass(SchoolContract):
    school_class = dataclass_style.DogSchool


class TestDecoratedClass(SchoolContract):
    school_class = decorated_class.DogSchool


class TestTextIDs(SchoolContract):
    school_class = text_ids.DogSchool

    def test_ids_are_text(self, school, fido):
        assert fido.startswith("dog-fido-")
        assert school.notification_log.select(1, 1)[0].originator_id == fido


class TestImmutable(SchoolContract):
    school_class = immutable.DogSchool


class TestFunctional(SchoolContract):
    school_class = functional.DogSchool

    def test_a_snapshot_that_is_due_before_the_last_event_is_projected(self, school):
        dog = school.find(school.register_dog("Fido"))
        events = []
        for trick in ("sit", "stay"):
            events.append(functional.add_trick(dog, trick))
            dog = functional.apply(events[-1], dog)

        school.save(dog, *events)

        (snapshot,) = school.snapshots.get(dog.id)
        assert (snapshot.originator_version, snapshot.tricks) == (2, ["sit"])
