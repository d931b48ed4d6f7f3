"""Starlette: an ASGI application object."""

import re

from devboot.onboarding.frameworks.application_object import ApplicationObject


class Starlette(ApplicationObject):
    """Recognises applications of Starlette by their object, and proposes their server."""

    name = "starlette"
    package = "starlette"
    requires = (frozenset({"uvicorn", "hypercorn", "fastapi-cli"}),)
    makers = frozenset({"Starlette"})
    makes = re.compile(r"(?<![.\w])Starlette[ \t]*\(")
