"""Decides how a stream is written to: colour, live layout, prompts; pure functions of flags, variables and facts."""

from __future__ import annotations

from devboot.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Set by continuous integration, and by programs that read a terminal in a person's stead: for them a line that is
# redrawn is noise.
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
    """What is known of one standard stream. `encoding` is lower case; `columns` and `rows` are 0 off a terminal."""

    terminal: bool = False
    encoding: str = "utf-8"
    columns: int = 0
    rows: int = 0
    foreground: bool = True  # its terminal's foreground process group is ours


class Wishes(Record):
    """The global flags: those that bear on output, and whether another devboot is waited for."""

    quiet: bool = False
    verbose: bool = False
    plain: bool = False
    no_color: bool = False
    no_input: bool = False
    json: bool = False
    no_wait: bool = False
    no_pager: bool = False


def has_colour(stream: StreamFacts, environ: Mapping[str, str], wishes: Wishes) -> bool:
    """Whether colours may be written to this stream; each stream is judged alone."""
    if wishes.json or wishes.no_color or environ.get("NO_COLOR"):
        return False
    if _is_on(environ, "FORCE_COLOR") or _is_on(environ, "CLICOLOR_FORCE"):
        return True
    return stream.terminal and not _is_dumb(environ) and environ.get("CLICOLOR") != "0"


def is_live(stream: StreamFacts, environ: Mapping[str, str], wishes: Wishes) -> bool:
    """Whether lines may be redrawn in place: on a terminal that a person looks at, and nowhere else."""
    return why_plain(stream, environ, wishes) == ""


def why_plain(stream: StreamFacts, environ: Mapping[str, str], wishes: Wishes) -> str:
    """Why output is one line per event, in a few words; "" where the layout may be live."""
    if wishes.plain or wishes.json or wishes.quiet:
        return "asked for"
    if _is_on(environ, "DEVBOOT_PLAIN"):
        return "DEVBOOT_PLAIN is set"
    if not stream.terminal or _is_dumb(environ):
        return "no terminal"
    unattended = next((name for name in _UNATTENDED if environ.get(name)), None)
    if unattended is not None:
        return f"{unattended} is set"
    # Redrawing from the background would stop us with SIGTTOU where the terminal has `tostop`.
    return "" if stream.foreground else "in the background"


def may_ask(stdin: StreamFacts, stderr: StreamFacts, environ: Mapping[str, str], wishes: Wishes) -> bool:
    """Whether a question may be asked; where not, the flag that answers it has to be named instead."""
    return stdin.terminal and stderr.terminal and is_live(stderr, environ, wishes) and not wishes.no_input


def is_unicode(stream: StreamFacts) -> bool:
    """Whether the stream can encode the symbols."""
    try:
        "✓●◉◐○✗━│╸".encode(stream.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _is_dumb(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "") in {"dumb", ""}


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "") not in {"", "0"}
