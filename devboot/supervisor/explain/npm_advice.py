"""Advises how to fix a failed `npm install` or `npm ci`, from its last output."""

from __future__ import annotations

from devboot.errors import shell_word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_CONFLICT = "--legacy-peer-deps"  # npm suggests it when packages require different versions of a third
_OUT_OF_STEP = ("`npm ci` can only install packages when your package.json and package-lock.json", 'Run "npm help ci"')


def npm_advice(lines: Iterable[str], folder: str) -> tuple[str, ...]:
    """Return the command that lets npm install the packages of a folder; empty for other errors."""
    text = "\n".join(line for line in lines if line.startswith(("npm error", "npm ERR!")))
    if any(words in text for words in _OUT_OF_STEP):
        return (f"devboot run -- npm --prefix {shell_word(folder)} install && devboot up -d   # a new lock",)
    if _CONFLICT in text:
        path = shell_word(f"{folder}/.npmrc")
        return (f"echo legacy-peer-deps=true >> {path}   # as npm did before its version 7",)
    return ()
