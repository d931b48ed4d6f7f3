"""What a command doesn't say itself: `node server.js` may take its port from PORT, `bash start.sh` start gunicorn."""

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
_LIMIT = 256 * 1024
_ENDINGS = ("", ".js", ".mjs", ".cjs", "/index.js")


def reads_port(folder: str, command: str) -> bool:
    """Whether the script that a command runs in a folder reads PORT; scripts of package.json are followed once."""
    if settings := _UWSGI.search(command):
        return "$(PORT)" in _text(os.path.join(folder, settings[1]))
    found = _SCRIPT.match(command)
    if found is None and (run := _NPM.match(command)):
        found = _SCRIPT.match(_npm_script(folder, run[1]))
    if found is None:
        return False
    programs = (os.path.join(folder, found[1] + ending) for ending in _ENDINGS)
    return any(_READS.search(_text(path, read_program)) for path in programs)


def shell_script(folder: str, command: str) -> str:
    """The text of the shell script that a command runs in a folder, without comments; empty where it runs none."""
    found = _SHELL.match(command)
    if found is None:
        return ""
    path = found[1] or found[2]
    text = _text(os.path.join(folder, path))
    if not (found[1] or path.endswith(".sh") or _SHEBANG.match(text)):
        return ""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def settings_digest(folder: str, command: str) -> str:
    """A digest of what stands in them, without comments of the shell; empty for a command that says all itself."""
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
