"""A WSGI application that is a plain function, run by gunicorn."""

import re
from dataclasses import replace

from devboot.onboarding.frameworks.application_object import gunicorn
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.serving_script import ServingScript
from devboot.onboarding.proposal_values import Process
from devboot.onboarding.reading.layout import cwd_of


class WsgiFunction(ServingScript):
    """Recognises modules with a WSGI function `application`, and proposes gunicorn."""

    name = "wsgi"
    package = "gunicorn"
    marks = ("start_response",)
    serves = re.compile(r"^def application\(\s*\w+\s*,\s*start_response\s*\)", re.MULTILINE)

    def web(self, clone: Clone) -> Process | None:
        """Return the process that runs gunicorn with reloading."""
        app = replace(clone.app, target="application")
        return Process("web", gunicorn(app), cwd_of(clone.app), None, clone.app.evidence)
