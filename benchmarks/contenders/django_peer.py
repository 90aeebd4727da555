"""The reference library with its extension for Django."""

import sys

import django
from databases import django_database
from django.conf import settings
from django.core.management import call_command

URL = sys.argv[1]
settings.configure(
    DATABASES={"default": django_database(URL, "django_peer")},
    INSTALLED_APPS=["eventsourcing_django"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from event_sourced import OnDjango  # noqa: E402
from talking import serve  # noqa: E402

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    serve(OnDjango({"PERSISTENCE_MODULE": "eventsourcing_django"}))
