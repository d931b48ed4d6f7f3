from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from sqlalchemy import select

from app.config import settings
from app.db import Order, Session
from app.worker import ship

app = FastAPI()


@app.get("/", response_class=PlainTextResponse)
def index():
    with Session() as session:
        lines = [f"{order.id} {order.item} {order.state}" for order in session.scalars(select(Order))]
    return "\n".join([f"orders in {settings.currency}", *lines])


@app.post("/orders/{item}")
def add(item: str):
    with Session.begin() as session:
        order = Order(item=item)
        session.add(order)
        session.flush()
        number = order.id
    ship.delay(number)
    return {"id": number}
