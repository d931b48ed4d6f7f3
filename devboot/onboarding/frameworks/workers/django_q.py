"""Django Q: a cluster that manage.py starts."""

import re

from devboot.onboarding.frameworks.workers.worker import Worker


class DjangoQ(Worker):
    """Recognises applications that use Django Q or Django Q2, and proposes its workers."""

    name = "django-q"
    starts = re.compile(r"qcluster")
    django = ("django_q", "qcluster")
