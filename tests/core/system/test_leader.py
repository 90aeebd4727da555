"""Leaders: whom they prompt, of what, and when."""

import pytest

from eventsourcing.system import Leader, RecordingEventReceiver
from eventsourcing.topics import get_topic
from tests.core.school import Dog, DogSchool


class LeadingSchool(DogSchool, Leader):
    name = "DogSchool"


class Listener(RecordingEventReceiver):
    def __init__(self):
        self.heard = []

    def receive_recording_event(self, new_recording_event):
        self.heard.append(new_recording_event)


@pytest.fixture
def school():
    return LeadingSchool()


def test_tells_what_was_recorded_and_what_came_before(school):
    listener = Listener()
    school.lead(listener)

    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")

    first, second = listener.heard
    assert (first.application_name, first.previous_max_notification_id) == ("DogSchool", None)
    assert second.previous_max_notification_id == 1
    assert [r.domain_event.trick for r in second.recordings] == ["sit"]


def test_tells_each_receiver_once(school):
    listener = Listener()
    school.lead(listener)
    school.lead(listener)

    school.register_dog("Fido")

    assert len(listener.heard) == 1


def test_tells_nothing_any_more_after_it_was_told_to_stop(school):
    listener = Listener()
    school.lead(listener)
    school.unlead(listener)

    school.register_dog("Fido")

    assert listener.heard == []


def test_tells_nothing_of_a_save_that_records_nothing(school):
    listener = Listener()
    school.lead(listener)

    school.save()

    assert listener.heard == []


def test_tells_of_the_topics_that_it_names_alone(school):
    school.notify_topics = [get_topic(Dog.TrickAdded)]
    listener = Listener()
    school.lead(listener)

    dog_id = school.register_dog("Fido")
    school.add_trick(dog_id, "sit")

    (heard,) = listener.heard
    assert [type(r.domain_event) for r in heard.recordings] == [Dog.TrickAdded]
    assert heard.previous_max_notification_id == 1
