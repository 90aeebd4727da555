"""Fussy: a follower in another process that fails at bad tricks until it is let be."""

import os
from pathlib import Path

from eventsourcing.system import System
from tests.core.school import Counters, DogSchool

__all__ = ["MENDED", "DogSchool", "Fussy", "fussy_system"]

MENDED = "TEST_MENDED_FILE"
"""Names the file whose being there mends it."""


class Fussy(Counters):
    """Counts tricks; fails at a bad one as long as a file is missing."""

    def policy(self, domain_event, processing_event):
        if getattr(domain_event, "trick", "") == "bad" and not Path(os.environ[MENDED]).exists():
            raise ValueError("cannot count bad tricks")
        super().policy(domain_event, processing_event)


fussy_system = System(pipes=[[DogSchool, Fussy]])
