"""An address becomes bytes, bytes become entries; nothing here is trusted."""

import html
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree
from xml.parsers import expat

from django.utils.html import strip_tags
from django.utils.text import Truncator

ATOM = "{http://www.w3.org/2005/Atom}"
MAX_BYTES = 2_000_000
MAX_ENTRIES = 200
TIMEOUT = 10  # seconds for each wait on the network


class FeedError(Exception):
    """Why a feed can't be shown, in words for its reader."""


@dataclass(frozen=True)
class Entry:
    guid: str
    title: str
    url: str  # http or https, or empty
    summary: str  # plain text
    published: datetime | None


def download(url):
    """The bytes at `url`, at most MAX_BYTES; raises FeedError."""
    request = urllib.request.Request(url, headers={"User-Agent": "feedreader/1.0"})
    try:
        with _opener(url).open(request, timeout=TIMEOUT) as response:
            data = response.read(MAX_BYTES + 1)
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise FeedError(f"could not be fetched: {error}") from error
    if len(data) > MAX_BYTES:
        raise FeedError(f"is larger than {MAX_BYTES // 1_000_000} MB")
    return data


def parse(data, base):
    """(title, entries) of an RSS 2.0 or Atom document; raises FeedError."""
    try:
        _refuse_entities(data)
        root = ElementTree.fromstring(data)
    except (expat.ExpatError, ElementTree.ParseError, ValueError, LookupError) as error:
        raise FeedError(f"is not well-formed XML: {error}") from error
    if root.tag == f"{ATOM}feed":
        title, found = _text(root, f"{ATOM}title"), map(
            _atom, root.iter(f"{ATOM}entry")
        )
    elif root.tag == "rss":
        title, found = _text(root, "channel/title"), map(_rss, root.iter("item"))
    else:
        raise FeedError("is neither RSS 2.0 nor Atom")
    entries = [_entry(base, *fields) for fields, _ in zip(found, range(MAX_ENTRIES))]
    return title[:300], entries


def _opener(url):
    """Speaks HTTP only (no file:, no ftp:), and asks no proxy for this machine."""
    opener = urllib.request.OpenerDirector()
    local = urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
    for handler in (
        urllib.request.ProxyHandler({} if local else None),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _refuse_entities(data):
    """Entities can grow without limit or read files; no feed needs its own."""

    def refuse(*_):
        raise FeedError("defines XML entities, which are not accepted")

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    parser.Parse(data, True)


def _rss(item):
    link = _text(item, "link")
    guid = _text(item, "guid") or link
    return (
        guid,
        _text(item, "title"),
        link,
        _text(item, "description"),
        _text(item, "pubDate"),
    )


def _atom(entry):
    links = {
        link.get("rel", "alternate"): link.get("href", "")
        for link in reversed(entry.findall(f"{ATOM}link"))
    }
    summary = _text(entry, f"{ATOM}summary") or _text(entry, f"{ATOM}content")
    date = _text(entry, f"{ATOM}published") or _text(entry, f"{ATOM}updated")
    guid, title = _text(entry, f"{ATOM}id"), _text(entry, f"{ATOM}title")
    return guid, title, links.get("alternate", ""), summary, date


def _entry(base, guid, title, link, summary, date):
    url = urljoin(base, link) if link else ""
    if urlsplit(url).scheme not in {"http", "https"}:  # javascript: and its like
        url = ""
    title = _plain(title, 300) or "Untitled"
    return Entry(
        (guid or url or title)[:500],
        title,
        url[:1000],
        _plain(summary, 500),
        _date(date),
    )


def _text(element, path):
    found = element.find(path)
    return "" if found is None else "".join(found.itertext()).strip()


def _plain(markup, length):
    text = " ".join(html.unescape(strip_tags(markup)).split())
    return Truncator(text).chars(length)


def _date(text):
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            date = read(text)
        except ValueError:
            continue
        return date if date.tzinfo else date.replace(tzinfo=UTC)
    return None
