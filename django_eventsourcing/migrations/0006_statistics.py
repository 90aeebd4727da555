"""Create the table of what followers have processed, minute by minute."""

from django.db import migrations, models

import django_eventsourcing.fields


class Migration(migrations.Migration):
    dependencies = [
        ("django_eventsourcing", "0005_payloads_and_managing"),
    ]

    operations = [
        migrations.CreateModel(
            name="FollowerStatistic",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("application_name", django_eventsourcing.fields.ExactCharField(max_length=255)),
                ("minute", models.DateTimeField()),
                ("processed", models.BigIntegerField(default=0)),
                ("passed", models.BigIntegerField(default=0)),
                ("seconds", models.FloatField(default=0.0)),
            ],
            options={
                "verbose_name": "statistic",
                "verbose_name_plural": "statistics",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("minute", "application_name"),
                        name="django_eventsourcing_statistic_minute",
                    )
                ],
            },
        ),
    ]
