import sqlite3

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from notes.settings import settings


def connect():
    connection = sqlite3.connect(settings.notes_database, timeout=10)
    connection.execute("create table if not exists note (text text)")
    return connection


app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
def index():
    with connect() as connection:
        return "\n".join(["notes", *(text for (text,) in connection.execute("select text from note"))])


@app.post("/{text}")
def add(text: str):
    with connect() as connection:
        connection.execute("insert into note values (?)", (text,))
    return {"kept": True}
