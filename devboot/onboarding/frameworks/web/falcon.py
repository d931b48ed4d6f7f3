"""Falcon: an application object for a WSGI server, or from `falcon.asgi` for an ASGI server."""

import re

from devboot.onboarding.frameworks.application_object import ApplicationObject, gunicorn
from devboot.onboarding.frameworks.framework import Clone

_ASGI = re.compile(r"\bfalcon\.asgi\b")


class Falcon(ApplicationObject):
    """Recognises applications of Falcon by their object, and proposes gunicorn, or an ASGI server."""

    name = "falcon"
    package = "falcon"
    requires = (frozenset({"gunicorn", "uvicorn", "hypercorn", "waitress"}),)
    makers = frozenset({"App", "API"})
    makes = re.compile(r"\bfalcon\.(?:asgi\.)?(?:App|API)\(|^from falcon\b[^\n]*\b(?:App|API)\b", re.MULTILINE)

    def command(self, clone: Clone) -> str:
        """Return gunicorn's command; for ASGI applications the command of an ASGI server."""
        is_asgi = _ASGI.search(clone.tree.text(clone.app.path) or "")
        return super().command(clone) if is_asgi else gunicorn(clone.app)
