"""The site: settings, addresses and the Celery application."""

from feedreader.celery import app as celery_app

__all__ = ["celery_app"]
