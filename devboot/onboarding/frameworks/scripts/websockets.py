"""websockets: a script that serves when it is run, to clients that stay connected."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class WebSockets(ServingScript):
    """Recognises scripts that start a server of websockets, and proposes to run them."""

    name = "websockets"
    package = "websockets"
    marks = ("serve(",)
    serves = re.compile(r"^[^#\n]*\bwebsockets(?:\.\w+)*\.serve\(|^from websockets\b[^\n]*\bserve\b", re.MULTILINE)
    listens = Listens("serve", place=2)
