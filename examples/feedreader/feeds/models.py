"""Feeds and their articles."""

from django.db import models


class Feed(models.Model):
    url = models.URLField("Feed address", max_length=500, unique=True)
    title = models.CharField(max_length=300, blank=True)
    error = models.CharField(max_length=300, blank=True)
    waiting = models.BooleanField(default=True)  # queued, not yet fetched
    fetched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("title", "url")

    def __str__(self):
        return self.title or self.url


class Article(models.Model):
    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="articles")
    guid = models.CharField(max_length=500)
    title = models.CharField(max_length=300)
    url = models.URLField(max_length=1000, blank=True)
    summary = models.TextField(blank=True)
    published = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ("-published", "-id")
        constraints = (
            models.UniqueConstraint(fields=("feed", "guid"), name="once_per_feed"),
        )

    def __str__(self):
        return self.title
