"""Procrastinate: a worker that manage.py starts."""

import re

from devboot.onboarding.frameworks.workers.worker import Worker


class Procrastinate(Worker):
    """Procrastinate."""

    name = "procrastinate"
    starts = re.compile(r"procrastinate\s+worker")
    django = ("procrastinate.contrib.django", "procrastinate worker")
