import os
import sqlite3
from pathlib import Path

from flask import Flask, g, redirect, request
from redis import Redis
from rq import Queue


def create_app():
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY", "dev"),
        DATABASE=os.path.join(app.instance_path, "links.sqlite"),
        REDIS_URL=os.environ.get("RQ_REDIS_URL", "redis://localhost:6379/0"),
    )
    Path(app.instance_path).mkdir(exist_ok=True)
    with sqlite3.connect(app.config["DATABASE"]) as connection:
        connection.execute("create table if not exists link (id integer primary key, url text, visits integer default 0)")
    queue = Queue(connection=Redis.from_url(app.config["REDIS_URL"]))

    def database():
        if "database" not in g:
            g.database = sqlite3.connect(app.config["DATABASE"], timeout=10)
        return g.database

    @app.get("/")
    def index():
        rows = database().execute("select id, url, visits from link order by id").fetchall()
        return "shortener\n" + "\n".join(f"{number} {url} {visits}" for number, url, visits in rows)

    @app.post("/")
    def add():
        with database() as connection:
            cursor = connection.execute("insert into link (url) values (?)", (request.form["url"],))
        return str(cursor.lastrowid)

    @app.get("/<int:number>")
    def follow(number):
        (url,) = database().execute("select url from link where id = ?", (number,)).fetchone()
        queue.enqueue("shortener.jobs.count", app.config["DATABASE"], number)
        return redirect(url)

    return app
