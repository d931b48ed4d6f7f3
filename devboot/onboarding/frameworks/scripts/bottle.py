"""Bottle: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class Bottle(ServingScript):
    """Recognises scripts that start a server of Bottle, and proposes to run them."""

    name = "bottle"
    package = "bottle"
    marks = ("run(",)
    serves = re.compile(r"^[ \t]*(?:bottle\.)?run\([^\n]*\bport\s*=", re.MULTILINE)
    listens = Listens("run", place=3, usual=8080)
