"""Create the tables of workers, followers and dead letters."""

import uuid

import django.utils.timezone
from django.db import migrations, models

import django_eventsourcing.fields
from django_eventsourcing.operations import AddCommitOrder


class Migration(migrations.Migration):
    dependencies = [
        ("django_eventsourcing", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FollowerRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "application_name",
                    django_eventsourcing.fields.ExactCharField(max_length=255, unique=True),
                ),
                (
                    "desired_state",
                    models.CharField(
                        choices=[("running", "running"), ("paused", "paused")],
                        default="running",
                        max_length=16,
                    ),
                ),
                ("desired_reason", models.TextField(blank=True, default="")),
                ("state", models.CharField(blank=True, default="", max_length=32)),
                ("lease_owner", models.UUIDField(blank=True, null=True)),
                ("lease_epoch", models.BigIntegerField(default=0)),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "upstream_name",
                    django_eventsourcing.fields.ExactCharField(
                        blank=True, default="", max_length=255
                    ),
                ),
                ("notification_id", models.BigIntegerField(blank=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("traceback", models.TextField(blank=True, default="")),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("failed_at", models.DateTimeField(blank=True, null=True)),
                ("retry_requested_at", models.DateTimeField(blank=True, null=True)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "follower",
                "verbose_name_plural": "followers",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="WorkerRecord",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("system_alias", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.BigIntegerField()),
                ("pid_space", models.CharField(blank=True, default="", max_length=255)),
                ("version", models.CharField(max_length=64)),
                ("followers", models.JSONField(blank=True, default=list)),
                ("wake_up", models.CharField(default="polling", max_length=32)),
                ("started_at", models.DateTimeField()),
                ("heartbeat_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="DeadLetterRecord",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("application_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("upstream_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("notification_id", models.BigIntegerField()),
                ("originator_id", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("originator_version", models.BigIntegerField()),
                ("topic", django_eventsourcing.fields.ExactCharField(max_length=1024)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("parked", "parked"),
                            ("skipped", "skipped"),
                            ("processed", "processed"),
                            ("discarded", "discarded"),
                        ],
                        default="parked",
                        max_length=16,
                    ),
                ),
                ("is_behind", models.BooleanField(default=False)),
                ("error", models.TextField(blank=True, default="")),
                ("traceback", models.TextField(blank=True, default="")),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("parked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "dead letter",
                "verbose_name_plural": "dead letters",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(
                        fields=["application_name", "status", "upstream_name", "notification_id"],
                        name="django_even_deadletter_order",
                    ),
                    models.Index(
                        fields=["application_name", "status", "originator_id", "notification_id"],
                        name="django_even_deadletter_stream",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("application_name", "upstream_name", "notification_id"),
                        name="django_eventsourcing_deadletter_notification",
                    )
                ],
            },
        ),
        # The trigger of an earlier version took exclusively the lock that writers share.
        AddCommitOrder("StoredEventRecord"),
    ]
