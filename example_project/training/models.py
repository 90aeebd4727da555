"""What is read of the dog school: a row for each dog."""

from django.db import models

__all__ = ["DogRow"]


class DogRow(models.Model):
    """A dog and how much it has learnt; written by ``Leaderboard`` alone."""

    dog_id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=255)
    tricks = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-tricks", "name", "dog_id")
        indexes = (models.Index(fields=["-tricks", "name"], name="training_dog_tricks"),)

    def __str__(self) -> str:
        return f"{self.name}: {self.tricks}"
