"""Procrastinate: a worker, started by manage.py."""

import re

from devboot.onboarding.frameworks.workers.worker import Worker


class Procrastinate(Worker):
    """Recognises applications that use Procrastinate, and proposes its workers."""

    name = "procrastinate"
    starts = re.compile(r"procrastinate\s+worker")
    django = ("procrastinate.contrib.django", "procrastinate worker")
