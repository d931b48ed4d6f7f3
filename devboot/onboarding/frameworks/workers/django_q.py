"""Django Q: a cluster that manage.py starts."""

import re

from devboot.onboarding.frameworks.workers.worker import Worker


class DjangoQ(Worker):
    """Django Q, and Django Q2."""

    name = "django-q"
    starts = re.compile(r"qcluster")
    django = ("django_q", "qcluster")
