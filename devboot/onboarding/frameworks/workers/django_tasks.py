"""django-tasks with the database as queue: a worker, started by manage.py."""

import re

from devboot.onboarding.frameworks.workers.worker import Worker


class DjangoTasks(Worker):
    """Recognises the database backend of django-tasks, and proposes its worker."""

    name = "django-tasks"
    starts = re.compile(r"db_worker")
    django = ("django_tasks.backends.database", "db_worker")
