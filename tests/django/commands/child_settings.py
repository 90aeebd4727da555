"""Settings of processes that a test starts: those of the tests, and what the test asks for."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

EVENTSOURCING = json.loads(os.environ.get("TEST_EVENTSOURCING", "{}"))
DATABASES |= json.loads(os.environ.get("TEST_DATABASES", "{}"))
DATABASE_ROUTERS = json.loads(os.environ.get("TEST_ROUTERS", "[]"))
