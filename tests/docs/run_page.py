"""Run the blocks of a page, in order and unchanged, in an interpreter of their own."""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.docs.blocks import rst_blocks

__all__ = ["main"]

DEADLINE = 60.0
"""Seconds that the followers have for catching up where the page sleeps."""


def main(arguments: list[str]) -> int:
    """Run the page and print, as JSON, how many blocks ran and what they imported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--database", type=Path, help="keep the events in this SQLite database")
    options = parser.parse_args(arguments)

    empty_log = migrate(options.database) if options.database else lambda: None
    print(json.dumps(run(options.page, empty_log)))  # noqa: T201
    return 0


def run(page: Path, empty_log: Callable[[], None]) -> dict[str, Any]:
    """Execute the page's blocks in one module; each runner of the page begins with an empty log."""
    # The events' topics name the module that defines them, so it has to be one that imports.
    module = ModuleType("page")
    sys.modules["page"] = module
    blocks = rst_blocks(page)
    with sleeping_until(lambda: wait_for_followers(module.__dict__)):
        for block in blocks:
            exec(compile(block.padded, str(page), "exec"), module.__dict__)
            if "runner.stop()" in block.text:
                empty_log()
    modules = {name.partition(".")[0] for name in sys.modules}
    known = sys.stdlib_module_names | {"__main__"}
    return {"blocks": len(blocks), "modules": sorted(modules - known)}


def wait_for_followers(namespace: dict[str, Any]) -> None:
    """Return when each follower of the page's system has processed all that its leaders recorded."""
    runner, system = namespace["runner"], namespace["system"]
    deadline = time.monotonic() + DEADLINE
    for leader_name, follower_name in system.edges:
        leader = runner.get(system.get_app_cls(leader_name))
        follower = runner.get(system.get_app_cls(follower_name))
        while True:
            recorded = leader.recorder.max_notification_id() or 0
            processed = follower.recorder.max_tracking_id(leader_name) or 0
            if processed >= recorded:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{follower_name} is at {processed} of {recorded} in the log of {leader_name} "
                    f"after {DEADLINE:g} s."
                )
            real_sleep(0.001)


real_sleep = time.sleep


@contextmanager
def sleeping_until(wait: Callable[[], None]) -> Iterator[None]:
    """Let the calling thread's ``sleep`` wait for a condition; other threads sleep as ever."""
    caller = threading.get_ident()

    def sleep(seconds: float) -> None:
        wait() if threading.get_ident() == caller else real_sleep(seconds)

    time.sleep = sleep
    try:
        yield
    finally:
        time.sleep = real_sleep


def migrate(database: Path) -> Callable[[], None]:
    """Set Django up with a migrated database; return what empties it again."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    settings.configure(
        INSTALLED_APPS=["django_eventsourcing"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": database,
                "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
            }
        },
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    os.environ["PERSISTENCE_MODULE"] = "django_eventsourcing.factory"
    return lambda: call_command("flush", interactive=False, verbosity=0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
