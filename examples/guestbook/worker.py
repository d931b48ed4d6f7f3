"""Takes entries off the queue and writes them into the database."""

import os
import sqlite3

import redis

queue = redis.Redis.from_url(os.environ["REDIS_URL"])
database = sqlite3.connect(os.environ["DATABASE"])

print("waiting for entries", flush=True)
while True:
    found = queue.blpop(["entries"], timeout=2)  # shorter than the client's own patience with a silent server
    if found is None:
        continue
    text = found[1]
    with database:
        database.execute("INSERT INTO entries (text) VALUES (?)", [text.decode()])
    print(f"wrote an entry of {len(text)} bytes", flush=True)
