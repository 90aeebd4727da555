"""Add the model that carries the dashboard, and the permission to operate followers; no table."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_eventsourcing', '0003_projections'),
    ]

    operations = [
        migrations.CreateModel(
            name='MonitoredSystem',
            fields=[
                ('name', models.CharField(max_length=255, primary_key=True, serialize=False)),
            ],
            options={
                'verbose_name': 'system',
                'verbose_name_plural': 'systems',
                'permissions': [('operate_followers', 'Can operate followers')],
                'base_manager_name': 'objects',
                'default_permissions': ('view',),
                'managed': False,
            },
        ),
    ]
