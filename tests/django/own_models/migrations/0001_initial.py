"""Create the tables, and keep the events of all but one in commit order."""

import django.utils.timezone
import django_eventsourcing.fields
from django.db import migrations, models

from django_eventsourcing.operations import AddCommitOrder, AddCorrelationIndex


class Migration(migrations.Migration):

    initial = True

    dependencies = [("django_eventsourcing", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name='TrickCount',
            fields=[
                ('trick', django_eventsourcing.fields.ExactCharField(max_length=100, primary_key=True, serialize=False)),
                ('count', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='DogEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('originator_id', models.UUIDField()),
                ('originator_version', models.BigIntegerField()),
                ('topic', django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ('state', models.BinaryField()),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['application_name', 'id'], name='own_models__applica_66a383_idx')],
                'constraints': [models.UniqueConstraint(fields=('application_name', 'originator_id', 'originator_version'), name='own_models_dogevent_version')],
            },
        ),
        migrations.CreateModel(
            name='DogSnapshot',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('originator_id', models.UUIDField()),
                ('originator_version', models.BigIntegerField()),
                ('topic', django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ('state', models.BinaryField()),
            ],
            options={
                'abstract': False,
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('application_name', 'originator_id', 'originator_version'), name='own_models_dogsnapshot_version')],
            },
        ),
        migrations.CreateModel(
            name='DogTracking',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('upstream_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('notification_id', models.BigIntegerField()),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'abstract': False,
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('application_name', 'upstream_name'), name='own_models_dogtracking_upstream')],
            },
        ),
        migrations.CreateModel(
            name='LetterEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('originator_version', models.BigIntegerField()),
                ('topic', django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ('state', models.BinaryField()),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('originator_id', django_eventsourcing.fields.ExactCharField(max_length=255)),
            ],
            options={
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['application_name', 'id'], name='own_models__applica_130637_idx')],
                'constraints': [models.UniqueConstraint(fields=('application_name', 'originator_id', 'originator_version'), name='own_models_letterevent_version')],
            },
        ),
        migrations.CreateModel(
            name='LetterSnapshot',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('originator_version', models.BigIntegerField()),
                ('topic', django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ('state', models.BinaryField()),
                ('originator_id', django_eventsourcing.fields.ExactCharField(max_length=255)),
            ],
            options={
                'abstract': False,
                'default_permissions': ('view',),
                'constraints': [models.UniqueConstraint(fields=('application_name', 'originator_id', 'originator_version'), name='own_models_lettersnapshot_version')],
            },
        ),
        migrations.CreateModel(
            name='UnorderedEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_name', django_eventsourcing.fields.ExactCharField(max_length=255)),
                ('originator_id', models.UUIDField()),
                ('originator_version', models.BigIntegerField()),
                ('topic', django_eventsourcing.fields.ExactCharField(max_length=1024)),
                ('state', models.BinaryField()),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'abstract': False,
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['application_name', 'id'], name='own_models__applica_c3a07d_idx')],
                'constraints': [models.UniqueConstraint(fields=('application_name', 'originator_id', 'originator_version'), name='own_models_unorderedevent_version')],
            },
        ),
        AddCommitOrder("DogEvent"),
        AddCorrelationIndex("DogEvent"),
        AddCorrelationIndex("UnorderedEvent"),
        AddCommitOrder("LetterEvent"),
    ]
