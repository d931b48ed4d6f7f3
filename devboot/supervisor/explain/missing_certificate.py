"""Advice for a program that serves TLS with a certificate that the clone does not contain."""

from __future__ import annotations

_CALL = "load_cert_chain("  # every server of Python's ends up here; its error names no file
_FRAME = r'\s*File "'
_NAME = r"""(?:^|[\s'"(=,])((?:[\w.-]+/)*[\w.-]+\.(?:pem|crt|cer|cert|key))(?=$|[\s'"),])"""


def making_command(tail: tuple[str, ...], command: str, cwd: str, root: str) -> str:
    """Return the command that makes the missing certificate and its key; "" if the output does not name both.

    The names come from the lines of code in the traceback, and from the options of the process' command.
    """
    import os
    import re
    from shlex import quote

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
