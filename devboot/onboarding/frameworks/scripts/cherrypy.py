"""CherryPy: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import ServingScript


class CherryPy(ServingScript):
    """CherryPy."""

    name = "cherrypy"
    serves = re.compile(r"\bcherrypy\.quickstart\(")
