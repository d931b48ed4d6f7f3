from celery import Celery

from app.config import settings
from app.db import Order, Session

queue = Celery("orders", broker=settings.broker_url)


@queue.task
def ship(order_id):
    with Session.begin() as session:
        session.get(Order, order_id).state = "shipped"
