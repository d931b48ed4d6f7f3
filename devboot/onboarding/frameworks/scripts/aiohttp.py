"""aiohttp: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class Aiohttp(ServingScript):
    """Recognises scripts that start a server of aiohttp, and proposes to run them."""

    name = "aiohttp"
    marks = ("run_app",)
    serves = re.compile(r"\bweb\.run_app\(|^from aiohttp\.web import .*\brun_app\b", re.MULTILINE)
    listens = Listens("run_app", usual=8080)
