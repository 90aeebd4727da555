"""Clerking: a system whose clerk fails at bad tricks, for pages about what it has set aside."""

from django.contrib.auth.models import Permission, User

from django_eventsourcing import get_system
from django_eventsourcing.models import DeadLetterRecord
from tests.core.school import DogSchool
from tests.django.admin.pages import follower_page, order_url
from tests.django.dead_letters.clerks import pipe_of, work

__all__ = [
    "CLERK",
    "LETTERS",
    "SETTING",
    "give",
    "letter_page",
    "letters",
    "park",
    "teach",
    "without",
]

SETTING = {
    "default": {
        "SYSTEM": "tests.django.dead_letters.clerks.clerks_system",
        "OPTIONS": {"ON_ERROR": {"retries": 0, "then": "park"}},
    }
}
CLERK = follower_page("Clerk")
LETTERS = "/admin/django_eventsourcing/deadletterrecord/"


def teach(*tricks, dog_id=None):
    """Record a dog's tricks; return its id."""
    school = get_system().get(DogSchool)
    dog_id = dog_id or school.register_dog("Fido")
    for trick in tricks:
        school.add_trick(dog_id, trick)
    return dog_id


def park(*tricks):
    """Let the clerk process the tricks of a dog, and park what it fails at; return the dog's id."""
    dog_id = teach(*tricks)
    work(pipe_of(get_system()))
    return dog_id


def letters(**filters):
    """Return what the clerk has set aside, in the order of the log."""
    found = DeadLetterRecord.objects.filter(application_name="Clerk", **filters)
    return list(found.order_by("notification_id"))


def letter_page(letter):
    return f"{LETTERS}{letter.pk}/change/"


def without(user, *codenames):
    """Take permissions from the user; return it as it is then."""
    user.user_permissions.remove(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


def give(client, order, *, name="Clerk", **data):
    return client.post(order_url(name, order), data, follow=True)
