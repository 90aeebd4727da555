"""A configured system in the database of the test, and what workers would have left there."""

from tests.django.commands.conftest import configured

__all__ = ["configured"]
