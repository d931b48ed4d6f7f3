"""An ASGI application of any framework: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class AsgiScript(ServingScript):
    """Recognises scripts that serve an ASGI application of any framework, and proposes to run them."""

    name = "uvicorn"
    marks = ("uvicorn.run(",)
    serves = re.compile(r"^[ \t]*uvicorn\.run\(", re.MULTILINE)
    listens = Listens("uvicorn.run", usual=8000)
