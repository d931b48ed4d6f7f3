"""Recognises a debugger's prompt at the end of output."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

_LONGEST = 400  # most bytes of a prompt, including escapes
_PROMPTS = (
    (rb"\(Pdb(\+\+)?\) ?", "pdb"),
    (rb"\(\(+Pdb(\+\+)?\)+\) ?", "pdb"),  # a debugger within a debugger
    (rb"ipdb> ?", "ipdb"),
    (rb"\(byebug\) ?", "byebug"),
    (rb"\(rdbg[^)]*\) ?", "rdbg"),
    (rb"\[\d+\] pry\(.*\)> ?", "pry"),
)
_compiled: list[tuple[Pattern[bytes], str]] = []


def debugger_at(data: bytes) -> str:
    """Return the debugger (`pdb`, `ipdb`, `byebug`, …) with whose prompt `data` ends; "" for none.

    A prompt is an unfinished line, so the last byte alone rules out nearly all output.
    """
    if data.endswith(b"\n"):
        return ""
    line = data[data.rfind(b"\n") + 1 :]
    if len(line) > _LONGEST:
        return ""
    from devboot.text.escapes import shown

    text = shown(line, colour=False).strip()
    return next((name for pattern, name in _patterns() if pattern.fullmatch(text)), "")


def _patterns() -> list[tuple[Pattern[bytes], str]]:
    if not _compiled:
        import re

        _compiled.extend((re.compile(source), name) for source, name in _PROMPTS)
    return _compiled
