"""Visitors: browsers in which somebody has logged in."""

from django.test import Client

__all__ = ["logged_in"]


def logged_in(user, **options):
    """Return a client of the user's."""
    client = Client(**options)
    client.force_login(user)
    return client
