"""The API of a board with one notice."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/api/notice")
def notice():
    return {"text": "the kettle is on"}
