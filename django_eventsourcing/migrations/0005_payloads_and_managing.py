"""Add the permissions to see payloads, and to manage followers; no table."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('django_eventsourcing', '0004_monitored_system'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='monitoredsystem',
            options={
                'verbose_name': 'system',
                'verbose_name_plural': 'systems',
                'permissions': [
                    ('view_payloads', 'Can see payloads'),
                    ('operate_followers', 'Can operate followers'),
                    ('manage_followers', 'Can manage followers'),
                ],
                'base_manager_name': 'objects',
                'default_permissions': ('view',),
                'managed': False,
            },
        ),
    ]
