"""Reads logins from the user's keyring by the program `keyring`, after a server has answered 401."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from urllib.parse import urlsplit

from devboot.sources.transfers.network import Login, bare_url, host_of

_SECONDS = 60.0  # it may ask the person to unlock the keyring
_SWITCH = "UV_KEYRING_PROVIDER"  # as in uv: `disabled` means that the keyring isn't used


def keyring_login(environ: Mapping[str, str], url: str, user: str = "") -> Login | None:
    """Return the keyring's login for a url, else for its host; None if there is no login or no `keyring` program.

    `user` is the user in the url, "" if it has none. The program runs with the variables of `environ`.
    """
    program = shutil.which("keyring", path=environ.get("PATH", ""))
    if program is None or environ.get(_SWITCH) == "disabled":
        return None
    for service in dict.fromkeys((bare_url(url), host_of(url), urlsplit(url).hostname or "")):
        said = _ask(program, [service, user] if user else ["--mode", "creds", service, ""], environ)
        if user and said:
            return Login(user, said[0])
        if len(said) > 1:
            return Login(said[0], said[1])
    return None


def _ask(program: str, words: list[str], environ: Mapping[str, str]) -> list[str]:
    """Run the program `keyring` and return its output lines; none if it finds nothing or fails."""
    try:
        ended = subprocess.run(
            [program, "get", *words],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return ended.stdout.splitlines() if ended.returncode == 0 else []
