"""The app: its name, and where its system checks are."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

__all__ = ["DjangoEventSourcingConfig"]


class DjangoEventSourcingConfig(AppConfig):
    """Configures the app; systems and applications are built when they are first used."""

    name = "django_eventsourcing"
    label = "django_eventsourcing"
    verbose_name = _("Event sourcing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, and what logs signals; let ``runserver`` run followers."""
        from django_eventsourcing import (  # noqa: F401
            checks,
            database_checks,
            logging_receivers,
            runserver,
        )

        runserver.carry()
