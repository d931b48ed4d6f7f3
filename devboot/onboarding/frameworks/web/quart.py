"""Quart: Flask's API as an ASGI application, run by hypercorn, which is one of its dependencies."""

import re

from devboot.onboarding.frameworks.application_object import ApplicationObject, hypercorn
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.web.flask import ADDS


class Quart(ApplicationObject):
    """Recognises applications of Quart by their object, and proposes their server."""

    name = "quart"
    package = "quart"
    adds = ADDS
    has_context = True
    makers = frozenset({"Quart"})
    makes = re.compile(r"\bQuart[ \t]*\(")

    def command(self, clone: Clone) -> str:
        """Return the command that serves the application with hypercorn."""
        return hypercorn(clone.app)
