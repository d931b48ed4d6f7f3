"""Dash: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class Dash(ServingScript):
    """Dash."""

    name = "dash"
    package = "dash"
    serves = re.compile(r"=\s*(?:dash\.)?Dash\(")
    listens = Listens("run", place=1, usual=8050)
