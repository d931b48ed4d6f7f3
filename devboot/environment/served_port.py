"""Whether a program takes its port from PORT although its command doesn't say so: `node server.js` in a Procfile."""

from __future__ import annotations

import json
import os
import re

_SCRIPT = re.compile(r"^(?:\w+=\S*\s+|exec\s+|env\s+)*(?:python[\d.]*|node|nodemon|bun|ruby)\s+(?:-\S+\s+)*([\w./-]+)")
_NPM = re.compile(r"^(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?([\w:-]+)")
_READS = re.compile(
    r"""(?:environ(?:\.get)?|getenv|\benv\.get|\bconfig|\bENV(?:\.fetch)?)\s*[\[(]\s*["']PORT["']"""
    r"""|process\.env(?:\.PORT\b|\[\s*["']PORT["'])"""
)
_LIMIT = 256 * 1024
_ENDINGS = ("", ".js", ".mjs", ".cjs", "/index.js")


def reads_port(folder: str, command: str) -> bool:
    """Whether the script that a command runs in a folder reads PORT; scripts of package.json are followed once."""
    found = _SCRIPT.match(command)
    if found is None and (run := _NPM.match(command)):
        found = _SCRIPT.match(_npm_script(folder, run[1]))
    if found is None:
        return False
    return any(_READS.search(_text(os.path.join(folder, found[1] + ending))) for ending in _ENDINGS)


def _npm_script(folder: str, name: str) -> str:
    try:
        script = json.loads(_text(os.path.join(folder, "package.json")))["scripts"][name]
    except (ValueError, LookupError, TypeError):
        return ""
    return script if isinstance(script, str) else ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_LIMIT)
    except OSError:
        return ""
