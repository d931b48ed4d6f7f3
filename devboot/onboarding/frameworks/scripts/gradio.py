"""Gradio: a script that serves when it is run."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class Gradio(ServingScript):
    """Recognises scripts that start a server of Gradio, and proposes to run them."""

    name = "gradio"
    package = "gradio"
    marks = ("gr.", "gradio.")
    serves = re.compile(r"\b(?:gr|gradio)\.(?:Interface|Blocks|ChatInterface|TabbedInterface)\(")
    makes_pages = True
    listens = Listens("launch", "server_port", usual=7860)
