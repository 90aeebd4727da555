"""This project, on Django's connections."""

import sys

import django
from databases import django_database
from django.conf import settings
from django.core.management import call_command

URL = sys.argv[1]
settings.configure(
    DATABASES={"default": django_database(URL, "ours")},
    INSTALLED_APPS=["django_eventsourcing"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    EVENTSOURCING={"default": {"PIPES": [["school.DogSchool"]]}},
    USE_TZ=True,
)
django.setup()

import school  # noqa: E402
from event_sourced import OnDjango  # noqa: E402
from talking import serve  # noqa: E402

from django_eventsourcing import get_application  # noqa: E402
from django_eventsourcing.conf import get_config  # noqa: E402
from django_eventsourcing.registry import ConfiguredSystem  # noqa: E402
from django_eventsourcing.runners import ThreadedRunner  # noqa: E402
from eventsourcing.system import System  # noqa: E402


class Ours(OnDjango):
    """Saves by the configured system, and catches up as ``run_system --once`` does."""

    def application(self):
        return get_application(school.DogSchool)

    def system_env(self):
        # As the settings of a system have it: what nobody follows wakes nobody up.
        return {**self.env, "COUNTERS_DJANGO_NOTIFY": "n"}

    def wait_until_processed(self, counters, notification_id):
        # Which is told of commits in the same process, and does not poll.
        counters.recorder.wait("DogSchool", notification_id, timeout=10)

    def process(self, follower):
        system = System(pipes=[[school.DogSchool, type(follower)]])
        configured = ConfiguredSystem(get_config("default"), system=system)
        runner = ThreadedRunner(configured, once=True)
        runner.start()
        runner.wait()
        configured.close()


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    serve(Ours({"PERSISTENCE_MODULE": "django_eventsourcing.factory"}))
