"""Create the table of projections: what their rows are made by, and how they are made again."""

import django.utils.timezone
from django.db import migrations, models

import django_eventsourcing.fields


class Migration(migrations.Migration):

    dependencies = [
        ('django_eventsourcing', '0002_operating'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProjectionRecord',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255, unique=True)),
                ('version', models.PositiveBigIntegerField(blank=True, null=True)),
                ('rate', models.FloatField(blank=True, null=True)),
                ('kind', models.CharField(blank=True, choices=[('in place', 'in place'), ('shadow', 'by shadow')], default='', max_length=16)),
                ('step', models.CharField(blank=True, choices=[('begun', 'begun'), ('filling', 'filling'), ('swapping', 'swapping')], default='', max_length=16)),
                ('building', models.PositiveBigIntegerField(blank=True, null=True)),
                ('heads', models.JSONField(blank=True, default=dict)),
                ('positions', models.JSONField(blank=True, default=dict)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('started_by', models.CharField(blank=True, default='', max_length=255)),
                ('worker', models.UUIDField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name': 'projection',
                'verbose_name_plural': 'projections',
                'default_permissions': ('view',),
            },
        ),
    ]
