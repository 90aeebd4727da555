"""Workloads of contenders that are event-sourced, by the public names that they share."""

import random
import threading
import time
from contextlib import contextmanager

import school
from talking import Stopwatch

from eventsourcing.persistence import Tracking
from eventsourcing.system import MultiThreadedRunner, SingleThreadedRunner, System

EVENTS_OF_A_DOG = 100
NAMES_OF_TRICKS = 50


class EventSourced:
    """Does each workload through an application; ``env`` says where it keeps its events."""

    def __init__(self, env):
        self.env = env
        self.school = self.application()
        self.rounds = 0

    def application(self):
        return school.DogSchool(self.env)

    def save_one(self, count):
        """Save new aggregates, each with its first event, in a transaction of its own."""
        stopwatch = Stopwatch()
        with stopwatch.running():
            for number in range(count):
                self.school.save(school.Dog(f"dog {number}"))
        return stopwatch.rate(count)

    def save_many(self, count):
        """Save the events of an aggregate, a hundred at once."""
        stopwatch = Stopwatch()
        for _ in range(count // EVENTS_OF_A_DOG):
            dog = self.dog(EVENTS_OF_A_DOG)
            with stopwatch.running():
                self.school.save(dog)
        return stopwatch.rate(count)

    def load(self, count, events):
        """Get an aggregate of many events from the repository."""
        dog = self.dog(events)
        self.school.save(dog)
        stopwatch = Stopwatch()
        with stopwatch.running():
            for _ in range(count):
                found = self.school.repository.get(dog.id)
        assert len(found.tricks) == events - 1
        return stopwatch.rate(count * events)

    def trigger(self, count):
        """Trigger events of an aggregate in memory."""
        dog = school.Dog("Fido")
        stopwatch = Stopwatch()
        with stopwatch.running():
            for _ in range(count):
                dog.add_trick("roll over")
        return stopwatch.rate(count)

    def read_log(self, count):
        """Read notifications, in pages of a hundred."""
        head = self.school.recorder.max_notification_id() or 0
        if head < count:
            self.fill(count - head)
        log = self.school.notification_log
        stopwatch = Stopwatch()
        position = found = 0
        with stopwatch.running():
            while found < count:
                page = log.select(position, 100, inclusive_of_start=False)
                position = page[-1].id
                found += len(page)
        return stopwatch.rate(found)

    def catch_up(self, count):
        """Process events, each of which makes the policy record one."""
        return self.caught_up(school.Notes, count)

    def pass_over(self, count):
        """Process events of which the policy makes nothing."""
        return self.caught_up(school.Silent, count)

    def caught_up(self, follower_class, count):
        follower = self.follower(follower_class)
        try:
            self.skip_to_head(follower, self.school)
            self.fill(count)
            stopwatch = Stopwatch()
            with stopwatch.running():
                self.process(follower)
            assert self.position(follower) == self.school.recorder.max_notification_id()
            return stopwatch.rate(count)
        finally:
            follower.close()

    def skip_to_head(self, follower, app):
        """Let the follower begin with what is recorded from now on."""
        head = app.recorder.max_notification_id() or 0
        if head > self.position(follower):
            follower.recorder.insert_events([], tracking=Tracking("DogSchool", head))

    def follower(self, follower_class):
        """Return a follower that has processed nothing, of a name that is new."""
        self.rounds += 1
        name = f"{follower_class.__name__}{self.rounds}"
        return type(name, (follower_class,), {"name": name})(self.follower_env(name))

    def follower_env(self, name):
        del name
        return self.env

    def process(self, follower):
        follower.follow("DogSchool", self.school.notification_log)
        follower.pull_and_process("DogSchool")

    def position(self, follower):
        return follower.recorder.max_tracking_id("DogSchool") or 0

    def synchronous(self, count):
        """Save events, each of which is processed before the save returns."""
        with self.running(SingleThreadedRunner) as (app, _):
            dogs = self.registered(app, count)
            stopwatch = Stopwatch()
            with stopwatch.running():
                for dog_id, trick in dogs:
                    app.add_trick(dog_id, trick)
            return stopwatch.rate(count)

    def threaded(self, count):
        """Save events that a thread processes beside, until it has processed all."""
        with self.running(MultiThreadedRunner) as (app, counters):
            dogs = self.registered(app, count)
            self.wait_for(app, counters)
            stopwatch = Stopwatch()
            with stopwatch.running():
                for dog_id, trick in dogs:
                    app.add_trick(dog_id, trick)
                self.wait_for(app, counters)
            return stopwatch.rate(count)

    def latency(self, count, pause):
        """Save an event now and then; tell how long after each a thread has processed it."""
        chance = random.Random(count)
        samples = []
        with self.running(MultiThreadedRunner) as (app, counters):
            for dog_id, trick in self.registered(app, count):
                recordings = app.add_trick(dog_id, trick)
                saved = time.perf_counter()
                self.wait_until_processed(counters, recordings[-1].notification.id)
                samples.append(time.perf_counter() - saved)
                time.sleep(chance.uniform(0, pause))
        return {"count": count, "samples": samples}

    @contextmanager
    def running(self, runner_class):
        runner = runner_class(
            System(pipes=[[school.DogSchool, school.Counters]]), env=self.system_env()
        )
        app, counters = runner.get(school.DogSchool), runner.get(school.Counters)
        self.skip_to_head(counters, app)
        runner.start()
        try:
            yield app, counters
        finally:
            runner.stop()

    def system_env(self):
        return self.env

    def registered(self, app, count):
        """Return dogs, and the tricks that each is to learn: ten, of fifty names in all."""
        self.rounds += 1
        names = [f"{self.rounds}: trick {number}" for number in range(NAMES_OF_TRICKS)]
        ids = [app.register_dog(f"dog {number}") for number in range(count // 10)]
        return [(ids[number // 10], names[number % NAMES_OF_TRICKS]) for number in range(count)]

    def wait_for(self, app, counters, pause=0.001):
        head = app.recorder.max_notification_id()
        while self.position(counters) < head:
            time.sleep(pause)

    def wait_until_processed(self, counters, notification_id):
        while self.position(counters) < notification_id:
            time.sleep(0.0002)

    def fill(self, count):
        while count > 0:
            self.school.save(*(self.dog(EVENTS_OF_A_DOG) for _ in range(10)))
            count -= 10 * EVENTS_OF_A_DOG

    def dog(self, events):
        dog = school.Dog("Fido")
        for number in range(events - 1):
            dog.add_trick(f"trick {number}")
        return dog

    def write(self, seconds, hold=0.0, longest=0.0, rolled_back=0.0, seed=0):
        """Save one event after the other for so long, each in a transaction that is held open."""
        chance = random.Random(seed)
        samples = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            dog = school.Dog("Fido")
            started = time.perf_counter()
            if self.is_written(dog, hold + chance.uniform(0, longest), chance, rolled_back):
                samples.append(time.perf_counter() - started)
        return {"count": len(samples), "seconds": seconds, "samples": samples}

    def is_written(self, dog, hold, chance, rolled_back):
        del chance
        if hold or rolled_back:
            raise NotImplementedError
        self.school.save(dog)
        return True

    def grow(self, events):
        """Record so many events in all; tell what a few things cost then."""
        self.fill(events - (self.school.recorder.max_notification_id() or 0))
        ids = [self.saved_dog(10) for _ in range(20)]
        log, recorder = self.school.notification_log, self.school.recorder
        follower = self.follower(school.Silent)
        position = Tracking("DogSchool", recorder.max_notification_id())
        follower.recorder.insert_events([], tracking=position)
        costs = {
            "save": median(lambda: self.school.save(school.Dog("Fido")), 300),
            "load 10": median(lambda: self.school.repository.get(ids[0]), 300),
            "last page": median(lambda: log.select(recorder.max_notification_id() - 99, 100), 100),
            "position": median(lambda: self.position(follower), 300),
        }
        follower.close()
        return {"count": events, "costs": costs}

    def saved_dog(self, events):
        dog = self.dog(events)
        self.school.save(dog)
        return dog.id


class OnDjango(EventSourced):
    """Event-sourced with Django's connections: a save can be part of a greater transaction."""

    def is_written(self, dog, hold, chance, rolled_back):
        from django.db import transaction

        if not hold and not rolled_back:
            self.school.save(dog)
            return True
        is_rolled_back = chance.random() < rolled_back
        with transaction.atomic():
            self.school.save(dog)
            time.sleep(hold)
            transaction.set_rollback(is_rolled_back)
        return not is_rolled_back

    def requests(self, count, work):
        """Save in so many threads at once, each in a transaction that goes on working."""
        from django.db import connection, transaction

        def request():
            connection.ensure_connection()
            ready.wait()
            with transaction.atomic():
                self.school.save(school.Dog("Fido"))
                time.sleep(work)
            connection.close()

        ready = threading.Barrier(count + 1)
        threads = [threading.Thread(target=request) for _ in range(count)]
        for thread in threads:
            thread.start()
        stopwatch = Stopwatch()
        ready.wait()
        with stopwatch.running():
            for thread in threads:
                thread.join()
        return stopwatch.rate(count)


def median(work, count):
    """Return the seconds that a piece of work takes, the median of so many times."""
    samples = []
    for _ in range(count):
        started = time.perf_counter()
        work()
        samples.append(time.perf_counter() - started)
    return sorted(samples)[count // 2]
