"""The one application of the site."""

from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "feeds"
