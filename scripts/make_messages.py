"""Brings the catalogues of translations up to date with the code, and compiles them."""

import os
import re
import sys
from pathlib import Path

from django.core.management import CommandError, call_command

PACKAGE = Path(__file__).resolve().parent.parent / "django_eventsourcing"
TO_DO = re.compile(r'^(?:msgstr(?:\[\d\])? ""\n(?!")|#,.*\bfuzzy\b)', re.MULTILINE)
TIMES = re.compile(r'^"(?:POT-Creation|PO-Revision)-Date: .*"\n', re.MULTILINE)


def main(languages: list[str]) -> None:
    """Write the catalogues of these languages, or of those that there are."""
    # What is written into the catalogues is named from here, whoever writes them.
    os.chdir(PACKAGE)
    try:
        call_command(
            "makemessages",
            locale=languages,
            all=not languages,
            no_wrap=True,
            no_obsolete=True,
            add_location="file",
            verbosity=0,
        )
        catalogues = sorted(PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))
        for path in catalogues:
            # A catalogue changes when words do, and not each time it is written.
            path.write_text(TIMES.sub("", path.read_text("utf-8")), "utf-8")
        call_command("compilemessages", verbosity=0)
    except CommandError as error:
        sys.exit(f"{error}\nHINT: On Debian: apt-get install gettext")
    for path in catalogues:
        left = len(TO_DO.findall(path.read_text("utf-8")))
        sys.stdout.write(f"{path.parent.parent.name}: {left} left to translate\n")


if __name__ == "__main__":
    main(sys.argv[1:])
