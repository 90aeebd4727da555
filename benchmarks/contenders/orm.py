"""Django's ORM on a table of the same shape, with a domain written by hand."""

import sys
import time

import django
from databases import django_database
from django.conf import settings

URL = sys.argv[1]
settings.configure(
    DATABASES={"default": django_database(URL, "orm")},
    INSTALLED_APPS=[],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
)
django.setup()

from by_hand import ByHand  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from handwritten import new_id, state_of  # noqa: E402
from talking import serve  # noqa: E402


class Event(models.Model):
    application_name = models.CharField(max_length=255)
    originator_id = models.UUIDField()
    originator_version = models.BigIntegerField()
    topic = models.CharField(max_length=1024)
    state = models.BinaryField()

    class Meta:
        app_label = "orm"
        db_table = "orm_event"
        constraints = [
            models.UniqueConstraint(
                fields=["application_name", "originator_id", "originator_version"], name="orm_v"
            )
        ]
        indexes = [models.Index(fields=["application_name", "id"], name="orm_log")]


class Position(models.Model):
    application_name = models.CharField(max_length=255, unique=True)
    notification_id = models.BigIntegerField()

    class Meta:
        app_label = "orm"
        db_table = "orm_position"


class BareOrm(ByHand):
    """Inserts by ``bulk_create``, reads by ``values_list``."""

    def __init__(self):
        if Event._meta.db_table not in connection.introspection.table_names():
            with connection.schema_editor() as editor:
                editor.create_model(Event)
                editor.create_model(Position)

    def insert(self, name, dogs, hold=0.0, rolls_back=False):
        events = [
            Event(
                application_name=name,
                originator_id=dog.id,
                originator_version=version,
                topic=topic,
                state=state_of(values),
            )
            for dog in dogs
            for topic, version, values in dog.pending
        ]
        if not hold and not rolls_back:
            Event.objects.bulk_create(events)
            return
        with transaction.atomic():
            Event.objects.bulk_create(events)
            time.sleep(hold)
            transaction.set_rollback(rolls_back)

    def rows_of(self, name, id_):
        return (
            Event.objects.filter(application_name=name, originator_id=id_)
            .order_by("originator_version")
            .values_list("originator_id", "originator_version", "topic", "state")
        )

    def page(self, name, after, limit):
        return list(
            Event.objects.filter(application_name=name, id__gt=after)
            .order_by("id")
            .values_list("id", "originator_id", "originator_version", "topic", "state")[:limit]
        )

    def head(self, name):
        last = Event.objects.filter(application_name=name).order_by("-id")
        return last.values_list("id", flat=True).first() or 0

    def process(self, name, position, notes):
        with transaction.atomic():
            Event.objects.bulk_create(
                [
                    Event(
                        application_name=name,
                        originator_id=new_id(),
                        originator_version=1,
                        topic=topic,
                        state=state_of(values),
                    )
                    for topic, values in notes
                ]
            )
            rows = Position.objects.filter(application_name=name)
            if not rows.update(notification_id=position):
                Position.objects.create(application_name=name, notification_id=position)


if __name__ == "__main__":
    serve(BareOrm())
