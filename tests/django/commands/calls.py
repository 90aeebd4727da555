"""Commands called in this process: what they write, and how they end."""

import io
import json

from django.core.management import CommandError, call_command


def call(*args):
    """Return the exit code and what the command has written, its error included."""
    out = io.StringIO()
    try:
        call_command(*args, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}{error}"
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def data_of(*args):
    """Return the exit code, and the data within the envelope of ``--json``."""
    code, text = call(*args, "--json")
    assert text.count("\n") == 1, text
    made = json.loads(text)
    assert list(made) == ["schema", "version", "generated_at", "data"]
    assert (made["schema"], made["version"]) == (f"django_eventsourcing.{args[0]}", 1)
    return code, made["data"]
