"""A router of processes that a test starts."""

import os

from tests.django.projections.conftest import Sending


class Boards(Sending):
    """Sends what boards write to the database that the environment names."""

    def __init__(self):
        super().__init__(os.environ["TEST_BOARDS_DATABASE"])
