"""An ASGI application of any framework: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class AsgiScript(ServingScript):
    """An ASGI application of any framework."""

    name = "uvicorn"
    serves = re.compile(r"^\s+uvicorn\.run\(", re.MULTILINE)
    listens = Listens("uvicorn.run", usual=8000)
