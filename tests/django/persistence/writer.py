"""
A writer process: transactions of one to three events, held or not, rolled back seldom or mostly.

It prints the ids of the events that it has committed.
"""

import argparse
import random
import sys
import time

import django


def main() -> None:
    arguments = parsed_arguments()
    django.setup()
    chance = random.Random(arguments.seed)
    loads = [(arguments.hold, 0.1), (0.0, 0.1), (arguments.hold, 0.9)]
    for hold, rollbacks in loads * arguments.transactions:
        committed: list[int] = []
        while not written(committed, arguments.alias, chance, hold, rollbacks):
            pass
        sys.stdout.write("".join(f"{id_}\n" for id_ in committed))


def written(
    committed: list[int], alias: str, chance: random.Random, hold: float, rollbacks: float
) -> bool:
    """Add the ids of one transaction, if it commits; return whether it could begin."""
    from django.db import OperationalError, transaction

    from django_eventsourcing.recorders import DjangoApplicationRecorder
    from eventsourcing.conformance import stored_event

    recorder = DjangoApplicationRecorder("DogSchool", alias=alias)
    try:
        with transaction.atomic(using=alias):
            ids = recorder.insert_events([stored_event() for _ in range(chance.randint(1, 3))])
            if hold:
                time.sleep(chance.uniform(0, hold))
            rolled_back = chance.random() < rollbacks
            transaction.set_rollback(rolled_back, using=alias)
    except OperationalError as error:
        # SQLite does not queue those who wait: under this load, one may never have its turn.
        if "database is locked" not in str(error):
            raise
        return False
    if not rolled_back:
        committed.extend(ids)
    return True


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("alias")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--transactions", type=int, required=True, help="under each load")
    parser.add_argument("--hold", type=float, required=True, help="seconds at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
