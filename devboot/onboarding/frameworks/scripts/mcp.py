"""MCP: a script whose tools are called over HTTP; without `transport`, clients start the script themselves."""

import re

from devboot.onboarding.frameworks.serving_script import Listens, ServingScript


class Mcp(ServingScript):
    """Recognises scripts that start a server of the Model Context Protocol over HTTP, and proposes to run them."""

    name = "mcp"
    marks = ("transport",)
    serves = re.compile(r"\brun\((?:[^()]|\([^()]*\))*?\btransport\s*=\s*[\"'](?:sse|http|streamable-http)\b")
    listens = Listens("run", usual=8000)
