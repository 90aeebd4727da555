"""Fill a log: record as many events as are asked for, as quickly as the recorder can."""

import sys
import time
from uuid import uuid4

import django

AT_ONCE = 5000
"""Events of one transaction."""


def main() -> None:
    number = int(sys.argv[1])
    django.setup()
    from django_eventsourcing import get_application
    from eventsourcing.persistence import StoredEvent
    from tests.stress.project.applications import Account, Bank

    bank = get_application(Bank)
    (event,) = Account("1").collect_events()
    sample = bank.mapper.to_stored_event(event)
    started = time.monotonic()
    for start in range(0, number, AT_ONCE):
        events = [
            StoredEvent(uuid4(), sample.originator_version, sample.topic, sample.state)
            for _ in range(min(AT_ONCE, number - start))
        ]
        bank.recorder.insert_events(events)
        done = start + len(events)
        if done % 100_000 == 0:
            rate = done / (time.monotonic() - started)
            sys.stdout.write(f"recorded {done:,}  {rate:,.0f}/s  ~{(number - done) / rate:.0f} s\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
