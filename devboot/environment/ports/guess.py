"""Guesses from scripts how a command uses ports: that `node server.js` reads PORT, or `start.sh` runs gunicorn."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable

from devboot.clone_reader import parse_json, read_head, read_program

_SCRIPT = re.compile(r"^(?:\w+=\S*\s+|exec\s+|env\s+)*(?:python[\d.]*|node|nodemon|bun|ruby)\s+(?:-\S+\s+)*([\w./-]+)")
_SHELL = re.compile(
    r"^(?:\w+=\S*\s+|exec\s+|env\s+)*"
    r"(?:(?:(?:/usr)?/bin/)?(?:ba|da|z|k)?sh\s+(?:-\w+\s+)*([\w./-]+)|((?:[\w.-]*/)+[\w.-]+|[\w-]+\.sh))(?=\s|$)"
)
_UWSGI = re.compile(r"(?:^|[\s/])uwsgi\s+(?:\S+\s+)*?(?:--(?:ini|ya?ml)[= ]\s*)?([\w./-]+\.(?:ini|ya?ml))(?=\s|$)")
_SHEBANG = re.compile(r"#!\s*\S*(?:/|\s)(?:ba|da|z|k)?sh\b")
_NPM = re.compile(r"^(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?([\w:-]+)")
_READS = re.compile(
    r"""(?:environ(?:\.get)?|getenv|\benv\.get|\bconfig|\bENV(?:\.fetch)?)\s*[\[(]\s*["']PORT["']"""
    r"""|process\.env(?:\.PORT\b|\[\s*["']PORT["'])"""
)
# Programs that serve pages on a port of their own choice where they are given none
_SERVERS = re.compile(
    r"(?:^|[\s/])(?:gunicorn|uvicorn|hypercorn|daphne|granian|waitress-serve|runserver(?:_plus)?|http\.server|pserve|"
    r"(?:flask|quart|litestar|streamlit|chainlit|mkdocs|sanic)(?=\s)[^&|;]*\s(?:run|serve|[\w.]+:\w+)|fastapi\s+(?:dev|run))(?=\s|$)"
)
_ELSEWHERE = re.compile(
    r"\bcelery\b|unix:|\.sock\b|\s--(?:uds|fd)\b|\s--(?:daemon|help|version|check-config)\b|\s-D\b|docker|&\s*$"
)
_SAYS_PORT = re.compile(
    r"\s(?:(?:--(?:\w+[.-])?port|-p|-b|--bind|--listen|-l|--http|--addr(?:ess)?)[= ]?|"
    r"(?:runserver(?:_plus)?|http\.server)\s+(?:--?[a-z][\w-]*(?:[= ]\S+)?\s+)*)"
    r"(?:(?:[\w.*-]+|\[[\w:]*\]|):)?(\d{2,5})(?=\s|$|[;&|])"
)
_LIMIT = 256 * 1024
_ENDINGS = ("", ".js", ".mjs", ".cjs", "/index.js")


def reads_port(folder: str, command: str) -> bool:
    """Return whether the script that a command runs in `folder` reads PORT.

    Scripts of package.json are followed once.
    """
    if settings := _UWSGI.search(command):
        return "$(PORT)" in _text(os.path.join(folder, settings[1]))
    found = _SCRIPT.match(command)
    if found is None and (run := _NPM.match(command)):
        found = _SCRIPT.match(_npm_script(folder, run[1]))
    if found is None:
        return False
    programs = (os.path.join(folder, found[1] + ending) for ending in _ENDINGS)
    return any(_READS.search(_text(path, read_program)) for path in programs)


def named_port(command: str) -> int:
    """Return the port number written in the command of a known web server; 0 if there is none."""
    found = _SAYS_PORT.search(command) if is_server(command) else None
    port = int(found[1]) if found is not None else 0
    return port if port < 1 << 16 else 0


def is_server(command: str) -> bool:
    """Return whether a command starts a known web server in the foreground, on a TCP port."""
    return _SERVERS.search(command) is not None and _ELSEWHERE.search(command) is None


def shell_script(folder: str, command: str) -> str:
    """Return the text of the shell script that a command runs in `folder`, without comments; "" without one."""
    found = _SHELL.match(command)
    if found is None:
        return ""
    path = found[1] or found[2]
    text = _text(os.path.join(folder, path))
    if not (found[1] or path.endswith(".sh") or _SHEBANG.match(text)):
        return ""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def settings_digest(folder: str, command: str) -> str:
    """Return a digest of the scripts and settings that a command in `folder` reads, ignoring shell comments.

    "" for none.
    """
    uwsgi, run = _UWSGI.search(command), _NPM.match(command)
    found = [
        shell_script(folder, command),
        _text(os.path.join(folder, uwsgi[1])) if uwsgi else "",
        _npm_script(folder, run[1]) if run else "",
    ]
    return hashlib.sha256("\0".join(found).encode()).hexdigest() if any(found) else ""


def _npm_script(folder: str, name: str) -> str:
    try:
        script = parse_json(_text(os.path.join(folder, "package.json")))["scripts"][name]
    except (ValueError, LookupError, TypeError):
        return ""
    return script if isinstance(script, str) else ""


def _text(path: str, read: Callable[[str, int], bytes] = read_head) -> str:
    try:
        return read(path, _LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""
