"""A plugin of pytest that puts the known-wrong way named by KNOWN_WRONG in before each test."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _known_wrong(request: pytest.FixtureRequest) -> Iterator[None]:
    from tests.django.persistence.known_wrong import VARIANTS

    variant = VARIANTS[os.environ["KNOWN_WRONG"]]
    if variant.without_trigger and "database" not in request.fixturenames:
        yield
        return
    if "database" in request.fixturenames:
        # The trigger is to be found in a database that is there.
        request.getfixturevalue("database")
        request.getfixturevalue("transactional_db")
    with variant.applied():
        yield
