"""FastAPI: an ASGI application object."""

import re

from devboot.onboarding.frameworks.application_object import ApplicationObject


class FastApi(ApplicationObject):
    """Recognises applications of FastAPI by their object, and proposes their server."""

    name = "fastapi"
    package = "fastapi"
    port = 8000
    requires = (frozenset({"uvicorn", "hypercorn", "fastapi-cli"}),)
    makers = frozenset({"FastAPI", "FastAPIOffline"})
    makes = re.compile(r"\bFastAPI(?:Offline)?[ \t]*\(")
