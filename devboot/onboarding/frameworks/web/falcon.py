"""Falcon: an application object, for a server of WSGI or, from `falcon.asgi`, of ASGI."""

import re

from devboot.onboarding.frameworks.application_object import ApplicationObject, gunicorn
from devboot.onboarding.frameworks.framework import Clone

_ASGI = re.compile(r"\bfalcon\.asgi\b")


class Falcon(ApplicationObject):
    """Falcon."""

    name = "falcon"
    package = "falcon"
    requires = (frozenset({"gunicorn", "uvicorn", "hypercorn", "waitress"}),)
    makers = frozenset({"App", "API"})
    makes = re.compile(r"\bfalcon\.(?:asgi\.)?(?:App|API)\(|^from falcon\b[^\n]*\b(?:App|API)\b", re.MULTILINE)

    def command(self, clone: Clone) -> str:
        """Return gunicorn's command; that of the others where the application speaks ASGI."""
        is_asgi = _ASGI.search(clone.tree.text(clone.app.path) or "")
        return super().command(clone) if is_asgi else gunicorn(clone.app)
