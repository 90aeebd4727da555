"""Fixtures of the admin's tests: a configured system, its applications, and people who look."""

import pytest
from django.contrib.auth.models import Permission, User

from django_eventsourcing import get_application
from django_eventsourcing.registry import reset
from tests.django.admin.kennel import Kennel, Tally
from tests.django.admin.screens import make_screens, setting
from tests.django.admin.visitors import logged_in


@pytest.fixture(autouse=True)
def configured(settings):
    """The kennel's system, in settings of its own."""
    settings.EVENTSOURCING = {"default": {"SYSTEM": "tests.django.admin.kennel.system"}}
    yield
    reset()


@pytest.fixture
def kennel(db):
    return get_application(Kennel)


@pytest.fixture
def tally(kennel):
    follower = get_application(Tally)
    follower.follow("Kennel", kennel.notification_log)
    return follower


@pytest.fixture
def viewer(db):
    """A member of staff with the view permissions of the app, payloads too, and no others."""
    user = User.objects.create_user("viewer", password="secret", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(
            content_type__app_label="django_eventsourcing", codename__startswith="view_"
        )
    )
    return user


@pytest.fixture
def operator(viewer):
    """The viewer, who may also tell followers what to do."""
    viewer.user_permissions.add(Permission.objects.get(codename="operate_followers"))
    return User.objects.get(pk=viewer.pk)


@pytest.fixture
def manager(operator):
    """The operator, who may also do what leaves events out, or makes rows again."""
    operator.user_permissions.add(Permission.objects.get(codename="manage_followers"))
    return User.objects.get(pk=operator.pk)


@pytest.fixture
def operating(operator):
    """A browser in which the operator has logged in."""
    return logged_in(operator)


@pytest.fixture
def managing(manager):
    """A browser in which the manager has logged in."""
    return logged_in(manager)


@pytest.fixture
def staff(db):
    """A member of staff without any permission."""
    return User.objects.create_user("staff", password="secret", is_staff=True)


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("root", password="secret")


@pytest.fixture
def client(viewer):
    """A browser in which the viewer has logged in."""
    return logged_in(viewer)


@pytest.fixture
def outsider(viewer):
    """The viewer, who may not see payloads."""
    viewer.user_permissions.remove(Permission.objects.get(codename="view_payloads"))
    return User.objects.get(pk=viewer.pk)


@pytest.fixture
def screens(settings, viewer):
    """Every page of the admin, with harmless words; the viewer may see own tables, too."""
    settings.EVENTSOURCING = setting()
    settings.EVENTSOURCING_ENVIRONMENT = "staging"
    viewer.user_permissions.add(*Permission.objects.filter(codename="view_letterevent"))
    return make_screens("some words")
