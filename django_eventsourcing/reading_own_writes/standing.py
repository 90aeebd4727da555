"""Standing: followers that process nothing just now, by what is on record of them."""

from django.db.models import Q

from django_eventsourcing.database_clock import DatabaseNow
from django_eventsourcing.models import FollowerRecord
from django_eventsourcing.registry import ConfiguredSystem

__all__ = ["is_at_rest"]

_ENDED = ("failed", "died", "refused")


def is_at_rest(system: ConfiguredSystem, follower: str) -> bool:
    """
    Tell whether the follower, or one of its segments, is known to process nothing.

    It is paused, has failed, or no worker holds it any more. Nothing is known of one that no
    worker has ever held.
    """
    if not system.is_persisted(follower):
        return False
    return (
        FollowerRecord.objects.using(system.database_of(follower))
        .filter(application_name__in=system.runs_of(follower))
        .filter(
            Q(desired_state=FollowerRecord.DesiredState.PAUSED)
            | Q(state__in=_ENDED)
            | Q(lease_owner=None)
            | Q(lease_expires_at__lte=DatabaseNow())
        )
        .exists()
    )
