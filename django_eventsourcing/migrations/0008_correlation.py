"""Index the correlation ids of events, so that a trace is found at once; no column changes."""

from django.db import migrations

from django_eventsourcing.operations import AddCorrelationIndex


class Migration(migrations.Migration):
    dependencies = [
        ("django_eventsourcing", "0007_rebuild_requests"),
    ]

    operations = [
        AddCorrelationIndex("StoredEventRecord"),
    ]
