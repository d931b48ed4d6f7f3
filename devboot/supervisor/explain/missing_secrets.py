"""Commands that create secrets which a clone lacks: a certificate with its key, and Django's SECRET_KEY."""

from __future__ import annotations

import os
import re
from shlex import quote

from devboot.clone_reader import read_bytes
from devboot.files import list_names

_CALL = "load_cert_chain("  # every server of Python's ends up here; its error names no file
_FRAME = r'\s*File "'
_NAME = r"""(?:^|[\s'"(=,])((?:[\w.-]+/)*[\w.-]+\.(?:pem|crt|cer|cert|key))(?=$|[\s'"),])"""
_EMPTY = "The SECRET_KEY setting must not be empty"
_BLANK = re.compile(rb"""^SECRET_KEY[ \t]*=[ \t]*(?:''|"")[ \t]*(?:#.*)?$""")
_VALUE = "only-for-development-on-this-machine"


def certificate_command(tail: tuple[str, ...], command: str, cwd: str, root: str) -> str:
    """Return the command that creates the missing TLS certificate and key; "" if the output doesn't show that one is.

    The file names come from the lines of code in the traceback, and from the options of the process' command.
    """
    if not any(line.startswith("FileNotFoundError: ") for line in tail) or not any(_CALL in line for line in tail):
        return ""
    lines = (*(line for line in tail if not re.match(_FRAME, line)), command)
    names = dict.fromkeys(name for line in lines for name in re.findall(_NAME, line))
    missing = [name for name in names if not os.path.exists(os.path.join(cwd, name))]
    key = next((name for name in missing if "key" in os.path.basename(name).lower()), "")
    certificate = next((name for name in missing if name != key), "")
    if not key or not certificate:
        return ""
    paths = [os.path.relpath(os.path.join(cwd, name), root) for name in (key, certificate)]
    folders = dict.fromkeys(filter(None, map(os.path.dirname, paths)))
    made = "".join(f"mkdir -p {quote(folder)} && " for folder in folders)
    whole = "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=localhost"
    return f"{made}{whole} -keyout {quote(paths[0])} -out {quote(paths[1])}"


def secret_key_command(tail: tuple[str, ...], folder: str, root: str) -> str:
    """Return the command, to be pasted in `root`, that fills in an empty SECRET_KEY of Django's settings.

    "" for none.
    """
    if not any(_EMPTY in line for line in tail):
        return ""
    for inner in (".", *list_names(folder)):
        for path in (f"{inner}/settings.py", *(f"{inner}/settings/{name}.py" for name in ("base", "__init__", "dev"))):
            file = os.path.join(folder, path)
            if number := _line_of_blank(file):
                there = quote(os.path.relpath(file, root))
                return f"""sed -i.bak "{number}s/.*/SECRET_KEY = '{_VALUE}'/" {there} && devboot up -d"""
    return ""


def _line_of_blank(file: str) -> int:
    """Return the number of the line that sets SECRET_KEY to "" in a settings file; 0 if there is none."""
    try:
        lines = read_bytes(file).splitlines()
    except OSError:
        return 0
    return next((number for number, line in enumerate(lines, 1) if _BLANK.match(line)), 0)
