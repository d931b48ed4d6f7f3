"""The site from the outside, with feeds served from this machine."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.test import LiveServerTestCase, SimpleTestCase, TestCase

from feeds import fetching
from feeds.fetching import Entry, FeedError, download, parse
from feeds.models import Article, Feed
from feeds.tasks import refresh_all

RSS = b"""<rss version="2.0"><channel><title>News</title><item>
<title>A &amp;amp; B</title><link>/a</link><guid>1</guid>
<description>&lt;p&gt;Some &lt;b&gt;text&lt;/b&gt;&lt;/p&gt;</description>
<pubDate>Mon, 05 Jan 2026 08:00:00 GMT</pubDate></item></channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Log</title><entry>
<id>urn:1</id><title>One</title><updated>2026-01-05T08:00:00Z</updated>
<link rel="self" href="http://site.example.test/self"/>
<link href="http://site.example.test/one"/><summary>First</summary></entry></feed>"""

DATE = datetime(2026, 1, 5, 8, tzinfo=UTC)


@contextmanager
def served(body, status=200):
    """The address of a server on this machine that always gives `body`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/feed"
        server.shutdown()


class Parsing(SimpleTestCase):
    def test_reads_rss(self):
        entry = Entry("1", "A & B", "http://site.example.test/a", "Some text", DATE)
        expected = ("News", [entry])
        self.assertEqual(expected, parse(RSS, "http://site.example.test/feed"))

    def test_reads_atom(self):
        entry = Entry("urn:1", "One", "http://site.example.test/one", "First", DATE)
        self.assertEqual(("Log", [entry]), parse(ATOM, "http://site.example.test/"))

    def test_drops_a_link_that_is_a_script(self):
        _, entries = parse(RSS.replace(b"/a<", b"javascript:alert(1)<"), "")
        self.assertEqual("", entries[0].url)

    def test_survives_a_date_that_is_none(self):
        _, entries = parse(RSS.replace(b"Mon, 05 Jan 2026", b"Yesterday"), "")
        self.assertIsNone(entries[0].published)

    def test_refuses_entities(self):
        bomb = b'<!DOCTYPE rss [<!ENTITY a "aaaa">]><rss>&a;</rss>'
        with self.assertRaisesMessage(FeedError, "defines XML entities"):
            parse(bomb, "")

    def test_refuses_what_is_no_feed(self):
        with self.assertRaisesMessage(FeedError, "is neither RSS 2.0 nor Atom"):
            parse(b"<html/>", "")
        with self.assertRaisesMessage(FeedError, "is not well-formed XML"):
            parse(b"plain text", "")


class Downloading(SimpleTestCase):
    def test_refuses_what_is_too_large(self):
        too_large = self.assertRaisesMessage(FeedError, "is larger than 2 MB")
        with served(b"x" * (fetching.MAX_BYTES + 1)) as url, too_large:
            download(url)

    def test_names_the_status(self):
        not_found = self.assertRaisesMessage(FeedError, "HTTP Error 404: Not Found")
        with served(b"", status=404) as url, not_found:
            download(url)

    def test_reads_no_files(self):
        with self.assertRaisesMessage(FeedError, "unknown url type: file"):
            download("file:///etc/hostname")


class Page(TestCase):
    def test_adding_a_feed_shows_its_articles_once(self):
        with served(RSS) as url:
            page = self.client.post("/feeds/", {"url": url}, follow=True)
            refresh_all()
        self.assertContains(page, "A &amp; B")
        self.assertEqual(1, Article.objects.count())

    def test_an_error_is_shown_at_its_feed_and_goes_away(self):
        with served(b"no feed") as url:
            page = self.client.post("/feeds/", {"url": url}, follow=True)
        self.assertContains(page, "is not well-formed XML")
        feed = Feed.objects.get()
        with served(RSS) as feed.url:
            feed.save()
            page = self.client.post(f"/feeds/{feed.pk}/refresh/", follow=True)
        self.assertNotContains(page, "is not well-formed XML")

    def test_an_address_that_is_none_is_refused(self):
        page = self.client.post("/feeds/", {"url": "not an address"})
        self.assertContains(page, "Enter a valid URL.", status_code=422)

    def test_removing_a_feed_removes_its_articles(self):
        with served(ATOM) as url:
            self.client.post("/feeds/", {"url": url})
        self.client.post(f"/feeds/{Feed.objects.get().pk}/remove/")
        self.assertEqual(0, Article.objects.count())

    def test_health_names_what_answers(self):
        answer = self.client.get("/health")
        self.assertEqual({"database": True, "broker": True}, answer.json())


class Demo(LiveServerTestCase):
    def test_the_demo_feed_is_read_from_the_site_itself(self):
        host = self.live_server_url.removeprefix("http://")
        page = self.client.post("/feeds/demo/", follow=True, headers={"host": host})
        self.assertContains(page, "Hello from the demo feed")
        link = Article.objects.last().url
        self.assertContains(self.client.get(link), "This article travelled further")
