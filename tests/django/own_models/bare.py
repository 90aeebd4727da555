"""Models whose ``Meta`` takes something away that the abstract models give."""

from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps

from django_eventsourcing.models import AbstractSnapshot, AbstractStoredEvent, AbstractTracking

VERSION = ["application_name", "originator_id", "originator_version"]

with isolate_apps("tests.django.own_models") as isolated:

    class BareEvent(AbstractStoredEvent):
        class Meta:
            app_label = "own_models"

    class BareSnapshot(AbstractSnapshot):
        class Meta:
            app_label = "own_models"

    class BareTracking(AbstractTracking):
        class Meta:
            app_label = "own_models"

    class PartlyUniqueEvent(AbstractStoredEvent):
        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"
            constraints = [
                models.UniqueConstraint(
                    fields=VERSION, condition=Q(originator_version__gt=1), name="partly"
                )
            ]

    class UniqueLaterEvent(AbstractStoredEvent):
        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"
            constraints = [
                models.UniqueConstraint(
                    fields=VERSION, deferrable=models.Deferrable.DEFERRED, name="later"
                )
            ]

    class UnindexedEvent(AbstractStoredEvent):
        class Meta:
            app_label = "own_models"
            constraints = [models.UniqueConstraint(fields=VERSION[::-1], name="short")]

    class OwnIndexEvent(AbstractStoredEvent):
        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"
            indexes = [models.Index(fields=["application_name", "id", "topic"], name="own")]

    class FullEvent(AbstractStoredEvent):
        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"

    class ProxyEvent(FullEvent):
        class Meta:
            app_label = "own_models"
            proxy = True

    class VeryLongNamedMunicipalPermitCaseAdministrationEvent(AbstractStoredEvent):
        class Meta(AbstractStoredEvent.Meta):
            app_label = "own_models"
