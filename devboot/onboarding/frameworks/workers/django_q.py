"""Django Q: a cluster of workers, started by manage.py."""

import re

from devboot.onboarding.frameworks.workers.worker import Worker


class DjangoQ(Worker):
    """Recognises applications that use Django Q or Django Q2, and proposes its workers."""

    name = "django-q"
    starts = re.compile(r"qcluster")
    django = ("django_q", "qcluster")
