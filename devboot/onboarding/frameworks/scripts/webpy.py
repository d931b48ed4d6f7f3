"""web.py: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import ServingScript


class WebPy(ServingScript):
    """Recognises scripts that start a server of web.py, which listens on $PORT, and proposes to run them."""

    name = "web.py"
    marks = ("web.application(",)
    serves = re.compile(r"\bweb\.application\(")
