"""What a dog school does, whatever the style in which its dogs are written."""

import pytest

from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import IntegrityError

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ENVIRONMENTS = {
    "plain": {},
    "compressed": {"COMPRESSOR_TOPIC": "zlib"},
    "encrypted": {"CIPHER_TOPIC": "eventsourcing.cipher:AESCipher", "CIPHER_KEY": KEY},
    "cached": {"AGGREGATE_CACHE_MAXSIZE": "10"},
}


class SchoolContract:
    """
    Tests of a school with ``register_dog(name)``, ``add_trick(id, trick)`` and ``get_dog(id)``.

    It keeps a snapshot of a dog at each second version.
    """

    school_class: type

    @pytest.fixture(params=ENVIRONMENTS)
    def school(self, request):
        return self.school_class(env=ENVIRONMENTS[request.param])

    @pytest.fixture
    def fido(self, school):
        fido = school.register_dog("Fido")
        for trick in ("roll over", "fetch ball", "play dead"):
            school.add_trick(fido, trick)
        return fido

    def test_a_dog_has_its_name_and_its_tricks(self, school, fido):
        assert school.get_dog(fido) == ("Fido", ("roll over", "fetch ball", "play dead"), 4)

    @pytest.mark.parametrize("version", [1, 2, 3, 4])
    def test_a_dog_can_be_seen_as_it_was(self, school, fido, version):
        name, tricks, seen = school.get_dog(fido, version=version)

        assert (name, len(tricks), seen) == ("Fido", version - 1, version)

    def test_one_dog_is_not_another(self, school, fido):
        rex = school.register_dog("Rex")

        assert school.get_dog(rex) == ("Rex", (), 1)
        assert school.get_dog(fido)[0] == "Fido"

    def test_a_dog_that_is_not_there_is_not_found(self, school, fido):
        missing = type(fido)(str(fido)[:-4] + "ffff")

        with pytest.raises(AggregateNotFoundError):
            school.get_dog(missing)

    def test_events_are_equal_to_what_was_recorded(self, school, fido):
        (recording,) = school.record_trick(fido, "sit")

        assert list(school.events.get(fido, gt=4)) == [recording.domain_event]

    def test_events_have_times(self, school, fido):
        times = [event.timestamp for event in school.events.get(fido)]

        assert times == sorted(times)
        assert all(time.utcoffset() is not None for time in times)

    def test_snapshots_are_kept_and_used(self, school, fido):
        kept = [snapshot.originator_version for snapshot in school.snapshots.get(fido)]
        del school.recorder._streams[fido][1]

        assert kept == [2, 4]
        assert school.get_dog(fido, version=3) == ("Fido", ("roll over", "fetch ball"), 3)

    def test_snapshots_are_read_as_they_were_taken(self, school, fido):
        school.repository.cache = None
        from_snapshot = school.find(fido)
        school.repository.snapshot_store = None

        assert from_snapshot == school.find(fido)

    def test_a_second_command_upon_the_same_version_is_refused(self, school, fido):
        (recording,) = school.record_trick(fido, "sit")

        with pytest.raises(IntegrityError):
            school.save(recording.domain_event)

    def test_notifications_name_the_events(self, school, fido):
        topics = [n.topic for n in school.notification_log.select(1, 10)]

        assert [topic.rpartition(".")[2].rpartition(":")[2] for topic in topics] == [
            "DogRegistered",
            *["TrickAdded"] * 3,
        ]
