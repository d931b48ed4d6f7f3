"""Tornado: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class Tornado(ServingScript):
    """Recognises scripts that start a server of Tornado, and proposes to run them."""

    name = "tornado"
    marks = ("IOLoop.", "import tornado")
    serves = re.compile(r"\bIOLoop\.(?:current|instance)\(|^import tornado\b.*\.listen\(", re.MULTILINE | re.DOTALL)
    listens = Listens("listen", place=0)
