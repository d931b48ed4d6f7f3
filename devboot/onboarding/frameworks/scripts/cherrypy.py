"""CherryPy: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import ServingScript


class CherryPy(ServingScript):
    """Recognises scripts that start a server of CherryPy, and proposes to run them."""

    name = "cherrypy"
    marks = ("cherrypy.quickstart(",)
    serves = re.compile(r"\bcherrypy\.quickstart\(")
