"""Workloads of contenders that write rows by hand; subclasses say how rows are written and read."""

import random
import time

import handwritten
from handwritten import EVENTS_OF_A_DOG
from talking import Stopwatch

SCHOOL, NOTES = "DogSchool", "Notes"


class ByHand:
    """Does the workloads with ``insert()``, ``rows_of()``, ``page()`` and ``process()``."""

    batch_size = 500

    def save_one(self, count):
        stopwatch = Stopwatch()
        with stopwatch.running():
            for number in range(count):
                self.insert(SCHOOL, [handwritten.Dog(f"dog {number}")])
        return stopwatch.rate(count)

    def save_many(self, count):
        stopwatch = Stopwatch()
        for _ in range(count // EVENTS_OF_A_DOG):
            dog = handwritten.dog_with(EVENTS_OF_A_DOG)
            with stopwatch.running():
                self.insert(SCHOOL, [dog])
        return stopwatch.rate(count)

    def load(self, count, events):
        dog = handwritten.dog_with(events)
        self.insert(SCHOOL, [dog])
        stopwatch = Stopwatch()
        with stopwatch.running():
            for _ in range(count):
                found = handwritten.Dog.of_rows(self.rows_of(SCHOOL, dog.id))
        assert len(found.tricks) == events - 1
        return stopwatch.rate(count * events)

    def trigger(self, count):
        dog = handwritten.Dog("Fido")
        stopwatch = Stopwatch()
        with stopwatch.running():
            for _ in range(count):
                dog.add_trick("roll over")
        return stopwatch.rate(count)

    def read_log(self, count):
        head = self.head(SCHOOL)
        if head < count:
            self.fill(count - head)
        stopwatch = Stopwatch()
        position = found = 0
        with stopwatch.running():
            while found < count:
                page = self.page(SCHOOL, position, 100)
                position = page[-1][0]
                found += len(page)
        return stopwatch.rate(found)

    def catch_up(self, count, batch_size):
        return self.caught_up(count, batch_size, records=True)

    def pass_over(self, count, batch_size):
        return self.caught_up(count, batch_size, records=False)

    def caught_up(self, count, batch_size, *, records):
        position = self.head(SCHOOL)
        self.fill(count)
        stopwatch = Stopwatch()
        done = 0
        with stopwatch.running():
            while page := self.page(SCHOOL, position, batch_size):
                notes = [n for row in page if (n := handwritten.note_of(row[3], row[4]))]
                position = page[-1][0]
                self.process(NOTES, position, notes if records else [])
                done += len(page)
        assert done == count, (done, count)
        return stopwatch.rate(count)

    def fill(self, count):
        for _ in range(count // EVENTS_OF_A_DOG):
            self.insert(SCHOOL, [handwritten.dog_with(EVENTS_OF_A_DOG)])

    def write(self, seconds, hold=0.0, longest=0.0, rolled_back=0.0, seed=0):
        chance = random.Random(seed)
        samples = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            dog = handwritten.Dog("Fido")
            started = time.perf_counter()
            is_rolled_back = rolled_back > 0 and chance.random() < rolled_back
            self.insert(
                SCHOOL, [dog], hold=hold + chance.uniform(0, longest), rolls_back=is_rolled_back
            )
            if not is_rolled_back:
                samples.append(time.perf_counter() - started)
        return {"count": len(samples), "seconds": seconds, "samples": samples}
