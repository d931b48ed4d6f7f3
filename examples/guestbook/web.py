"""A guest book: shows what was written, and queues what somebody writes for the worker."""

import html
import os
import sqlite3
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import redis

queue = redis.Redis.from_url(os.environ["REDIS_URL"])

PAGE = """<!doctype html>
<title>Guest book</title>
<h1>Guest book</h1>
<form method="post"><input name="text" autofocus> <button>Write</button></form>
<ul>{entries}</ul>
"""


class Page(BaseHTTPRequestHandler):
    """One page: GET shows it, POST adds an entry."""

    def do_GET(self):
        """Show the newest entries first."""
        with closing(sqlite3.connect(os.environ["DATABASE"])) as database:
            rows = database.execute("SELECT text FROM entries ORDER BY id DESC LIMIT 50").fetchall()
        body = PAGE.format(entries="".join(f"<li>{html.escape(text)}</li>" for (text,) in rows)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        """Hand the text to the worker, and go back to the page."""
        length = int(self.headers.get("Content-Length", "0"))
        for text in parse_qs(self.rfile.read(length).decode()).get("text", []):
            queue.rpush("entries", text)
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    address = ("127.0.0.1", int(sys.argv[1]))
    print(f"listening on http://{address[0]}:{address[1]}", flush=True)
    ThreadingHTTPServer(address, Page).serve_forever()
