"""Decides on colour, redrawing and questions for a stream, from flags, environment and facts about it."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Variables set by continuous integration and coding agents, for which redrawn lines are noise.
_UNATTENDED = (
    "CI",
    "CONTINUOUS_INTEGRATION",
    "BUILD_NUMBER",
    "TEAMCITY_VERSION",
    "TF_BUILD",
    "AI_AGENT",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "CODEX_SANDBOX",
    "OPENCODE",
    "AMP_CURRENT_THREAD_ID",
)


class StreamFacts(Record):
    """Facts about a standard stream. `encoding` is lower case; `columns` and `rows` are 0 without a terminal."""

    terminal: bool = False
    encoding: str = "utf-8"
    columns: int = 0
    rows: int = 0
    foreground: bool = True  # this process is in the foreground of the terminal


class OutputOptions(Record):
    """Global flags that affect output, and whether to wait for another devboot."""

    quiet: bool = False
    verbose: bool = False
    plain: bool = False
    no_color: bool = False
    no_input: bool = False
    json: bool = False
    no_wait: bool = False
    no_pager: bool = False


def has_colour(stream: StreamFacts, environ: Mapping[str, str], output: OutputOptions) -> bool:
    """Return whether colours may be written to this stream, by flags, environment and whether it is a terminal."""
    if output.json or output.no_color or environ.get("NO_COLOR"):
        return False
    if _is_on(environ, "FORCE_COLOR") or _is_on(environ, "CLICOLOR_FORCE"):
        return True
    return stream.terminal and not _is_dumb(environ) and environ.get("CLICOLOR") != "0"


def is_live(stream: StreamFacts, environ: Mapping[str, str], output: OutputOptions) -> bool:
    """Return whether lines may be redrawn in place: only on a terminal that a person is using."""
    return why_plain(stream, environ, output) == ""


def why_plain(stream: StreamFacts, environ: Mapping[str, str], output: OutputOptions) -> str:
    """Return why output is plain, one line per event, as `no terminal`; "" if lines may be redrawn."""
    if output.plain or output.json or output.quiet:
        return "asked for"
    if _is_on(environ, "DEVBOOT_PLAIN"):
        return "DEVBOOT_PLAIN is set"
    if not stream.terminal or _is_dumb(environ):
        return "no terminal"
    unattended = next((name for name in _UNATTENDED if environ.get(name)), None)
    if unattended is not None:
        return f"{unattended} is set"
    # With `tostop` set in the terminal, drawing from the background would stop us with SIGTTOU.
    return "" if stream.foreground else "in the background"


def may_ask(stdin: StreamFacts, stderr: StreamFacts, environ: Mapping[str, str], output: OutputOptions) -> bool:
    """Return whether the user may be asked questions: both streams are terminals, and no flag forbids it."""
    return stdin.terminal and stderr.terminal and is_live(stderr, environ, output) and not output.no_input


def is_unicode(stream: StreamFacts) -> bool:
    """Return whether the stream's encoding has the Unicode symbols of `symbols`."""
    try:
        "✓●◉◐○✗━│╸".encode(stream.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_dumb(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "") in {"dumb", ""}


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "") not in {"", "0"}
