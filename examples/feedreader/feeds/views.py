"""The page, its buttons, and the answer to whoever asks whether the site is up."""

from django.db import DatabaseError, connection
from django.forms import ModelForm
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from kombu.exceptions import OperationalError

from feedreader.celery import app as celery
from feeds.models import Article, Feed
from feeds.tasks import fetch


class FeedForm(ModelForm):
    class Meta:
        model = Feed
        fields = ("url",)


@require_GET
def index(request):
    return _page(request, FeedForm())


@require_POST
def add(request):
    form = FeedForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    _queue(form.save())
    return redirect("index")


@require_POST
def add_demo(request):
    url = request.build_absolute_uri(reverse("demo-feed"))
    feed, _ = Feed.objects.get_or_create(url=url)
    _queue(feed)
    return redirect("index")


@require_POST
def refresh(request, pk):
    _queue(get_object_or_404(Feed, pk=pk))
    return redirect("index")


@require_POST
def remove(request, pk):
    get_object_or_404(Feed, pk=pk).delete()
    return redirect("index")


@require_GET
def health(request):
    """200 when the database and Redis answer, else 503 and which of them doesn't."""
    state = {"database": _answers(_ask_database), "broker": _answers(_ask_broker)}
    return JsonResponse(state, status=200 if all(state.values()) else 503)


def _page(request, form, status=200):
    articles = Article.objects.select_related("feed")[:50]
    context = {"form": form, "feeds": Feed.objects.all(), "articles": articles}
    return render(request, "feeds/index.html", context, status=status)


def _queue(feed):
    feed.waiting, feed.error = True, ""
    feed.save()
    try:
        fetch.delay(feed.pk)
    except OperationalError:
        feed.waiting, feed.error = False, "could not be queued: Redis does not answer"
        feed.save()


def _answers(ask):
    try:
        ask()
    except (DatabaseError, OperationalError):
        return False
    return True


def _ask_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_broker():
    with celery.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, timeout=2)
