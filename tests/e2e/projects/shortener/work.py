"""The worker: `rq worker` would do, but for the name of the variable."""

import os

from redis import Redis
from rq import Queue, SimpleWorker

connection = Redis.from_url(os.environ.get("RQ_REDIS_URL", "redis://localhost:6379/0"))
SimpleWorker([Queue(connection=connection)], connection=connection).work()
