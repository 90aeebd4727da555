"""An application beside a model whose app is not installed; it cannot be imported."""

from django.db import models

from eventsourcing.application import Application


class School(Application):
    pass


class Kennel(models.Model):
    def __str__(self):
        return "a kennel"
