"""
Conflicting: a process that sends commands to one aggregate, as others do at the same time.

It writes down which commands have been applied, as far as it has been told.
"""

import os
import sys
from contextlib import suppress
from uuid import UUID

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.django.commands.child_settings")
django.setup()

from django_eventsourcing import get_application, retry_on_conflict  # noqa: E402
from eventsourcing.persistence import RecordConflictError  # noqa: E402
from tests.core.school import DogSchool  # noqa: E402

if __name__ == "__main__":
    dog_id, name, number = UUID(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    add_trick = retry_on_conflict(get_application(DogSchool).add_trick)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for each in range(number):
        with suppress(RecordConflictError):
            add_trick(dog_id, f"{name}-{each}")
            sys.stdout.write(f"{name}-{each}\n")
