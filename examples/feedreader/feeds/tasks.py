"""What the worker does; beat asks for `refresh_all`."""

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from feeds.fetching import FeedError, download, parse
from feeds.models import Article, Feed


@shared_task
def fetch(pk):
    """Fetch one feed and keep its articles, or what went wrong."""
    url = Feed.objects.values_list("url", flat=True).filter(pk=pk).first()
    if url is None:  # removed while the task was queued
        return
    entries, changes = [], {"waiting": False, "fetched_at": timezone.now()}
    try:
        title, entries = parse(download(url), url)
    except FeedError as error:
        changes["error"] = str(error)[:300]
    except SoftTimeLimitExceeded:
        changes["error"] = "took too long"
    else:
        changes |= {"error": "", "title": title}
    with transaction.atomic():
        if Feed.objects.filter(pk=pk).update(**changes):  # else removed meanwhile
            _keep(pk, entries)


@shared_task
def refresh_all():
    """Queue every feed, so that one slow feed holds up none of the others."""
    for pk in Feed.objects.values_list("pk", flat=True):
        fetch.delay(pk)


def _keep(pk, entries):
    now = timezone.now()
    Article.objects.bulk_create(
        [
            Article(
                feed_id=pk,
                guid=entry.guid,
                title=entry.title,
                url=entry.url,
                summary=entry.summary,
                published=entry.published or now,
            )
            for entry in entries
        ],
        ignore_conflicts=True,  # those that are there already stay as they are
    )
