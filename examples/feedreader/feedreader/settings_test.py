"""Settings for the tests: no Redis, no network, tasks run where they are called."""

import os

os.environ.setdefault("SECRET_KEY", "only for tests")
os.environ["CELERY_BROKER_URL"] = "memory://"

from feedreader.settings import *

CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
