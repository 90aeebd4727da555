"""A view that counts tricks in a Django model, and a projection into it, for tests."""

from django.db import transaction
from django.db.models import F

from django_eventsourcing.recorders import DjangoTrackingRecorder
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.projection import Projection
from tests.core.school import Dog
from tests.django.own_models.models import TrickCount


class TrickView(DjangoTrackingRecorder):
    """Counts tricks; a count and the position are committed together."""

    def count(self, trick, tracking):
        with transaction.atomic(using=self.alias):
            self.insert_tracking(tracking)
            counts = TrickCount.objects.using(self.alias)
            counts.get_or_create(trick=trick)
            counts.filter(trick=trick).update(count=F("count") + 1)
            self.after(trick)

    def after(self, trick):
        """Do nothing, unless a test replaces this."""

    @property
    def counts(self):
        return dict(TrickCount.objects.using(self.alias).values_list("trick", "count"))


class TrickProjection(Projection[TrickView]):
    topics = ("tests.core.school:Dog.TrickAdded",)

    @singledispatchmethod
    def process_event(self, domain_event, tracking):
        self.view.pass_over(tracking)

    @process_event.register(Dog.TrickAdded)
    def _(self, domain_event, tracking):
        self.view.count(domain_event.trick, tracking)
