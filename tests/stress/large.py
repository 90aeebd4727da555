"""
Large documents: a process that files some, and says of each size what came of it.

    python -m tests.stress.large 1 16 64

It writes a line of JSON: for each number of MiB, "filed" if the document was read back equal, or
else the kind of the error and its text.
"""

import json
import sys

import django


def main() -> None:
    django.setup()
    from django_eventsourcing import get_application
    from tests.stress.project.documents import Files

    files = get_application(Files)
    sys.stdout.write(json.dumps([files.file(int(size)) for size in sys.argv[1:]]) + "\n")


if __name__ == "__main__":
    main()
