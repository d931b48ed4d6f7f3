"""Help topics: exit codes, environment variables, the manifest's JSON Schema, explanations of errors."""

from __future__ import annotations

from collections.abc import Mapping

from devboot.app.command_table import BY_NAME
from devboot.app.commands.explain import explanation, known_slugs
from devboot.cli.help import command_help, known_commands, overview
from devboot.cli.session import Session
from devboot.errors import Exit, UsageError
from devboot.model.nearest import nearest
from devboot.record import Record
from devboot.text.columns import table, wrap

EXIT_CODES = (
    (Exit.OK, "success, or nothing to do"),
    (Exit.FAILED, "the work failed: a process ended, a task failed, doctor found a problem"),
    (Exit.USAGE, "usage error"),
    (Exit.MANIFEST, "devboot.toml, devboot.lock, the Procfile or an env-file needs an edit"),
    (Exit.NETWORK, "a host could not be reached, or refused"),
    (Exit.INTEGRITY, "a download doesn't match its locked checksum, or is unsafe"),
    (Exit.MACHINE, "a problem of this machine: disk, permissions, missing interpreter"),
    (Exit.BUSY, "a lock, a port or a running project is in the way"),
    (Exit.TRUST, "the project belongs to another user, or the shell hook isn't trusted with it"),
    (Exit.BUG, "a bug in devboot; a crash file was written"),
    (Exit.INTERRUPTED, "interrupted by ctrl-c"),
    (141, "the reader of the output went away"),
    (143, "ended by SIGTERM; 128 and the number for other signals"),
)


class Variable(Record):
    """An environment variable that devboot reads: its name, its default in words, its effect."""

    name: str
    default: str
    help: str


VARIABLES = (
    Variable("DEVBOOT_HOME", "the XDG directories", "one directory for store, downloads, records and sockets"),
    Variable("DEVBOOT_OFFLINE", "UV_OFFLINE", "1: as --offline, use only what is already on this machine"),
    Variable("DEVBOOT_MIRROR", "none", "prefix of addresses in archive recipes, or FROM=TO to replace their start"),
    Variable("DEVBOOT_PLAIN", "off", "1: one line per event, no redrawing"),
    Variable("DEVBOOT_OBSERVE", "on", "0: don't observe Python programs in projects without devboot.toml"),
    Variable("DEVBOOT_TRUSTED", "none", "projects of other users that may run, separated by `:`"),
    Variable("DEVBOOT_ALLOW_ROOT", "off", "1: allow `sudo devboot up`; the files will belong to root"),
    Variable("XDG_DATA_HOME", "~/.local/share", "where the store is"),
    Variable("XDG_CACHE_HOME", "~/.cache", "where downloads are"),
    Variable("XDG_STATE_HOME", "~/.local/state", "where records and crash files are"),
    Variable("XDG_RUNTIME_DIR", "/run/user/UID", "where sockets are"),
    Variable("HOME", "the password database", "base of the default XDG directories"),
    Variable("SUDO_UID", "set by sudo", "user who called sudo"),
    Variable("PAGER", "less", "pager for long output; `cat` switches paging off"),
    Variable("LESS", "FRX", "options of less"),
    Variable("LV", "-c", "options of lv"),
    Variable("PATH", "", "where interpreters and tools are looked for"),
    Variable("NO_COLOR", "off", "not empty: no colours"),
    Variable("FORCE_COLOR", "off", "not 0: colours off a terminal too"),
    Variable("CLICOLOR_FORCE", "off", "as FORCE_COLOR"),
    Variable("CLICOLOR", "on", "0: no colours"),
    Variable("TERM", "dumb", "dumb: neither colours nor redrawing"),
    Variable("LC_ALL", "LC_CTYPE", "C or POSIX: symbols in plain ASCII"),
    Variable("LC_CTYPE", "LANG", "as LC_ALL"),
    Variable("LANG", "C", "as LC_ALL"),
    Variable("PYTHONIOENCODING", "the locale's", "which symbols the output can have"),
    Variable("COLUMNS", "the terminal's", "width that text is laid out for"),
    Variable("LINES", "the terminal's", "height that progress is laid out for"),
    Variable("CI", "off", "not empty: plain output, no questions"),
    Variable("GITHUB_ACTIONS", "off", "true: errors also as annotations"),
    Variable("GITHUB_WORKSPACE", "the current directory", "base of file names in annotations"),
    Variable("UV_CONFIG_FILE", "uv.toml", "which indexes uv fetches packages from"),
    Variable("PIP_CONFIG_FILE", "pip.conf", "package indexes, if uv has no configuration"),
    Variable("UV_HTTP_TIMEOUT", "30", "seconds without a byte until a transfer is tried again"),
    Variable("NO_PROXY", "none", "hosts reached without the proxy of HTTPS_PROXY or similar variables"),
    Variable("NETRC", "~/.netrc", "logins for hosts"),
    Variable("UV_KEYRING_PROVIDER", "none", "`disabled`: don't ask `keyring` for credentials after a 401"),
    Variable("PREFIX", "none", "npm prefix; its etc/npmrc is read too"),
    Variable("TMPDIR", "the system's", "where sources are compiled"),
    Variable("XDG_CONFIG_HOME", "~/.config", "where those configurations are"),
)

TOPICS = ("exit-codes", "environment", "schema")


def help_on(topic: str, session: Session) -> int:
    """Print the help of a topic; return the exit code. Raises UsageError for an unknown one."""
    width = session.width()
    if not topic:
        session.out(overview(width))
    elif topic in BY_NAME:
        session.out(command_help(BY_NAME[topic], width))
    elif topic == "exit-codes":
        session.out(exit_codes())
    elif topic == "environment":
        session.page(environment(session.context.environ))
    elif topic == "schema":
        session.page(schema())
    else:
        raise _unknown_topic(topic)
    return Exit.OK


def exit_codes() -> str:
    """Return the table of exit codes as text."""
    rows = [("CODE", "MEANING"), *((str(code), meaning) for code, meaning in EXIT_CODES)]
    notes = ["", "`devboot run` passes the code of its command through."]
    return "\n".join([*table(rows, right=frozenset({0})), *notes]) + "\n"


def schema() -> str:
    """Return the text of the JSON Schema of devboot.toml."""
    import json

    from devboot.model.edge.manifest.manifest import manifest_schema

    return json.dumps(manifest_schema(), indent=2) + "\n"


def environment(environ: Mapping[str, str]) -> str:
    """Return a table of the environment variables that devboot reads: effect, present value, and who sets it."""
    rows = [("NAME", "WHAT IT DOES", "SET BY", "NOW"), *(_row(variable, environ) for variable in VARIABLES)]
    notes = ["", "Variables of uv and pip, and proxies such as HTTPS_PROXY, are passed to uv unchanged."]
    return "\n".join([*table(rows), *notes]) + "\n"


def explain(slug: str, session: Session) -> int:
    """Print the explanation of an error slug, or all slugs; return the exit code.

    Raises UsageError, with the most similar slug, for an unknown one.
    """
    slugs = known_slugs()
    if not slug:
        session.page("".join(f"{known}\n" for known in slugs))
        return Exit.OK
    wanted = slug.removeprefix("error[").removeprefix("warning[").rstrip("]:")
    text = explanation(wanted)
    if text is None:
        near = nearest(wanted, slugs)
        advice = [f"did you mean `devboot explain {near}`?"] if near else []
        raise UsageError(
            "usage/unknown-slug",
            f"there is no explanation for `{slug}`",
            help=[*advice, "`devboot explain` lists all slugs"],
        )
    width = session.width()
    paragraphs = [line for text_line in text.split("\n") for line in _wrapped(text_line, width)]
    session.out("\n".join([wanted, "", *paragraphs]) + "\n")
    return Exit.OK


def _wrapped(line: str, width: int) -> list[str]:
    indent = "  " if line.startswith("- ") else ""
    return wrap(line, width, then=indent) if line else [""]


def _row(variable: Variable, environ: Mapping[str, str]) -> tuple[str, str, str, str]:
    if variable.name not in environ:
        return variable.name, variable.help, "default", variable.default or "-"
    return variable.name, variable.help, "environment", environ[variable.name] or '""'


def _unknown_topic(topic: str) -> UsageError:
    near = nearest(topic, [*TOPICS, *known_commands()])
    advice = [f"did you mean `devboot help {near}`?"] if near else []
    return UsageError(
        "usage/unknown-topic",
        f"there is no help on `{topic}`",
        help=[*advice, "`devboot help` lists commands and topics"],
    )
