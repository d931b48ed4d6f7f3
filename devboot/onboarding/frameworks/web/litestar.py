"""Litestar: an ASGI application object."""

import re

from devboot.onboarding.frameworks.application_object import ApplicationObject


class Litestar(ApplicationObject):
    """Recognises applications of Litestar by their object, and proposes their server."""

    name = "litestar"
    package = "litestar"
    requires = (frozenset({"uvicorn", "hypercorn", "fastapi-cli"}),)
    makers = frozenset({"Litestar"})
    makes = re.compile(r"(?<![.\w])Litestar[ \t]*\(")
