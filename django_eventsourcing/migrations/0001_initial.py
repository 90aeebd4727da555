"""Create the tables of events, snapshots and positions."""

import django.utils.timezone
from django.db import migrations, models

import django_eventsourcing.fields
from django_eventsourcing.operations import AddCommitOrder


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="NotificationCounter",
            fields=[
                (
                    "event_table",
                    django_eventsourcing.fields.ExactCharField(
                        max_length=64, primary_key=True, serialize=False
                    ),
                ),
                ("last_id", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "notification counter",
                "verbose_name_plural": "notification counters",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SnapshotRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("application_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("originator_id", models.UUIDField()),
                ("originator_version", models.BigIntegerField()),
                ("topic", django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ("state", models.BinaryField()),
            ],
            options={
                "verbose_name": "snapshot",
                "verbose_name_plural": "snapshots",
                "abstract": False,
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application_name", "originator_id", "originator_version"),
                        name="django_eventsourcing_snapshotrecord_version",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="StoredEventRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("application_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("originator_id", models.UUIDField()),
                ("originator_version", models.BigIntegerField()),
                ("topic", django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ("state", models.BinaryField()),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("recorded_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "stored event",
                "verbose_name_plural": "stored events",
                "abstract": False,
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["application_name", "id"], name="django_even_applica_1f8817_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application_name", "originator_id", "originator_version"),
                        name="django_eventsourcing_storedeventrecord_version",
                    )
                ],
            },
        ),
        AddCommitOrder("StoredEventRecord"),
        migrations.CreateModel(
            name="TrackingRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("application_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("upstream_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("notification_id", models.BigIntegerField()),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "tracking position",
                "verbose_name_plural": "tracking positions",
                "abstract": False,
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application_name", "upstream_name"),
                        name="django_eventsourcing_trackingrecord_upstream",
                    )
                ],
            },
        ),
    ]
