"""A site that needs all that devboot provisions: a package, Redis and SQLite."""

import os
import sqlite3
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import greeting
from visits import visit

DATABASE = "data/words.sqlite3"


class Handler(BaseHTTPRequestHandler):
    """`/` is empty, `/visit` counts, `/add?word` keeps a word, `/words` has all of them."""

    def do_GET(self):
        """Answer in plain text."""
        where, _, word = self.path.partition("?")
        text = {"/": greeting.VERSION}.get(where)
        if where == "/visit":
            text = str(visit())
        elif where in ("/add", "/words"):
            with sqlite3.connect(DATABASE, timeout=10) as database:
                if word:
                    database.execute("insert into words (word) values (?)", [urllib.parse.unquote(word)])
                text = " ".join(row[0] for row in database.execute("select word from words order by rowid"))
        self.send_response(404 if text is None else 200)
        self.end_headers()
        self.wfile.write((text or "").encode())


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
