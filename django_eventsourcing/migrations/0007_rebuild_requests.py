"""Create the table of rebuilds that somebody has asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("django_eventsourcing", "0006_statistics"),
    ]

    operations = [
        migrations.CreateModel(
            name="RebuildRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "projection",
                    models.OneToOneField(
                        on_delete=models.deletion.CASCADE,
                        related_name="request",
                        to="django_eventsourcing.projectionrecord",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("in place", "in place"), ("shadow", "by shadow")], max_length=16
                    ),
                ),
                ("requested_at", models.DateTimeField()),
                ("requested_by", models.CharField(blank=True, default="", max_length=255)),
                ("reason", models.TextField(blank=True, default="")),
                ("lease_owner", models.UUIDField(blank=True, null=True)),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                ("taken_by", models.CharField(blank=True, default="", max_length=255)),
                ("worker", models.UUIDField(blank=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
            ],
            options={
                "verbose_name": "request for a rebuild",
                "default_permissions": (),
            },
        ),
    ]
