"""A feed that the site serves itself, so that it can be tried without a network."""

import json
from datetime import datetime
from functools import cache
from pathlib import Path

from django.contrib.syndication.views import Feed
from django.http import Http404
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed


@cache
def _articles():
    return json.loads(Path(__file__).with_name("demo.json").read_text(encoding="utf-8"))


class DemoFeed(Feed):
    feed_type = Atom1Feed
    title = "Demo feed"
    link = "/"

    def items(self):
        return _articles()

    def item_title(self, item):
        return item["title"]

    def item_description(self, item):
        return item["text"]

    def item_link(self, item):
        return reverse("demo-article", args=[item["slug"]])

    def item_pubdate(self, item):
        return datetime.fromisoformat(item["date"])


def article(request, slug):
    for item in _articles():
        if item["slug"] == slug:
            return render(request, "feeds/demo.html", {"item": item})
    raise Http404
