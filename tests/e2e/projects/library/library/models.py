"""One table with what only PostgreSQL has."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Book(models.Model):
    """A book."""

    title = models.TextField()
    authors = ArrayField(models.TextField())

    def __str__(self):
        """Its title."""
        return self.title
