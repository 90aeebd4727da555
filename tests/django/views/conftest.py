"""A configured system in the database of the test, as watched from outside."""

from tests.django.commands.conftest import configured

__all__ = ["configured"]
