"""`devboot env`: prints the variables of processes, as a table, as shell lines or as JSON.

It shows the variables of the last `sync`, `up` or `run`, and updates nothing.
"""

from __future__ import annotations

import os

from devboot import snapshot as snapshots
from devboot.app.fast.line_numbers import with_current_lines
from devboot.app.fast.streams import Streams
from devboot.model.composed_variable import ComposedVariable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from devboot.app.fast.call import Call
    from devboot.snapshot import Snapshot

    Patch = Sequence[tuple[str, str, str]]

MASK = "***"
_LISTED = 5  # changes that a warning names
_WATCHED = ("devboot.toml", "devboot.lock", "Procfile", "Procfile.dev", ".overmind.env", ".env", ".env.local")


def carry_out(call: Call) -> int:
    """Print the variables of the last preparation, with a warning if something has changed since.

    Return the exit code.
    """
    known = snapshots.read(f"{call.state}/{snapshots.NAME}")
    if known is None or known.root != call.root:
        return _complain(call)
    changes = () if snapshots.is_fresh(known, call.root, call.environ) else _warn(call, known)
    return _show(call, with_current_lines(known), changes)


def _complain(call: Call) -> int:
    from devboot.app.fast import daemon_connection
    from devboot.errors import WorkError

    error = WorkError(
        "sync/needed",
        f"the variables of {daemon_connection.project_name(call)} are not known yet",
        causes=["nothing has been synced here yet"],
        help=["devboot sync"],
    )
    return daemon_connection.complain(call, error)


def _warn(call: Call, known: Snapshot) -> tuple[str, ...]:
    """Print a warning that lists all changes since the last preparation; return these."""
    from devboot.app.fast import daemon_connection
    from devboot.app.staleness import changes_since
    from devboot.errors import WorkError

    changes = changes_since(known, call.root, call.environ, call.state)
    is_copy = bool(known.inode) and known.inode != snapshots.inode_of(call.root)
    if (changes or is_copy) and not call.output.quiet:
        what = f"{known.plan_plain[0]} is not up to date: these are the variables of the last sync"
        daemon_connection.warn(call, WorkError("sync/needed", what, causes=changes[:_LISTED], help=["devboot sync"]))
    return changes


def _show(call: Call, known: Snapshot, changes: Sequence[str]) -> int:
    """Print the variables of a snapshot in the format that the flags select; return the exit code."""
    streams = Streams()
    variables = effective(known, call.environ)
    with_secrets = call.flag("show-secrets")
    if call.output.json:
        from devboot.wire.jsontext import to_json

        document = as_json(
            str(known.plan_plain[0]),
            known.patch,
            variables,
            with_secrets=with_secrets,
            with_own_passwords=not call.stdout.terminal,
        )
        text = to_json({**document, "changes": list(changes)}) + "\n"
    elif call.flag("direnv"):
        text = direnv(known.patch, call.root, call.state, call.environ)
    elif call.stdout.terminal:
        home, width = call.environ.get("HOME", ""), call.stdout.columns
        text = as_table(known.patch, variables, with_secrets=with_secrets, home=home, width=width)
    else:
        text = as_shell(known.patch, call.environ)
    for name in unnameable(known.patch):
        streams.say(f"`{name}` is left out: no shell can have a variable of that name\n")
    if call.stdout.terminal:
        from devboot.text.paint import terminal_text

        text = terminal_text(text)
    streams.write(1, text.encode("utf-8", "surrogateescape"))
    return streams.failure


def effective(known: Snapshot, environ: Mapping[str, str]) -> tuple[ComposedVariable, ...]:
    """Return the variables with the values that processes get: the caller's value replaces a default."""
    gives_way = {name for kind, name, _ in known.patch if kind == snapshots.DEFAULT}
    composed = (ComposedVariable(*plain) for plain in known.variables)
    return tuple(
        variable._replace(value=environ[variable.name], source="the shell")
        if variable.name in gives_way and variable.name in environ
        else variable
        for variable in composed
    )


def as_shell(patch: Patch, environ: Mapping[str, str]) -> str:
    """Return the changes of variables as lines for a POSIX shell, for `eval "$(devboot env)"`."""
    return "".join(f"{line}\n" for line in _shell_lines(patch, environ))


def direnv(patch: Patch, root: str, state: str, environ: Mapping[str, str]) -> str:
    """Return the lines for direnv's .envrc: the variables, and the files whose change makes them stale."""
    paths = (*(os.path.join(root, name) for name in _WATCHED), os.path.join(state, snapshots.NAME))
    watched = " ".join(map(_quoted, paths))
    return f"watch_file {watched}\n{as_shell(patch, environ)}"


def as_table(
    patch: Patch, variables: Iterable[ComposedVariable], *, with_secrets: bool, home: str = "", width: int = 0
) -> str:
    """Return a table of name, value and source; secrets are masked, PATH is shortened with `~`.

    A value that is too wide shifts no other row.
    """
    from devboot.text.columns import table_within
    from devboot.text.masking import Masker

    mask = Masker()  # of passwords in addresses
    rows = [("NAME", "VALUE", "SOURCE")]
    for folder in path_entries(patch):
        is_below = bool(home) and folder.startswith(f"{home}/")
        rows.append(("PATH", f"{f'~{folder[len(home) :]}' if is_below else folder}:...", "devboot"))
    for variable in variables:
        shown = MASK if variable.secret else mask(variable.value)
        value = variable.value if with_secrets else shown
        rows.append((variable.name, value or '""', variable.source))
    return "\n".join(table_within(rows, width)) + "\n"


def as_json(
    project: str,
    patch: Patch,
    variables: Sequence[ComposedVariable],
    *,
    with_secrets: bool,
    with_own_passwords: bool = False,
) -> dict[str, Any]:
    """Return the content of `env --json`; a secret's value is null unless `with_secrets`.

    `with_own_passwords` includes the passwords of the project's own services: a program can't connect without them.
    """
    from devboot import __version__
    from devboot.text.masking import passwords_in

    own: set[str] = set()
    for variable in variables if with_own_passwords else ():
        if variable.source.startswith("services."):
            own |= {variable.value} if variable.secret else passwords_in(variable.value)

    def is_secret(variable: ComposedVariable) -> bool:
        """Return whether the value is secret, or an address with a password in it."""
        return variable.secret or bool(passwords_in(variable.value))

    def is_hidden(variable: ComposedVariable) -> bool:
        """Return whether the value has a secret other than the passwords of the project's own services."""
        return not own.issuperset({variable.value} if variable.secret else passwords_in(variable.value))

    return {
        "schema": 1,
        "devboot": __version__,
        "project": project,
        "path": path_entries(patch),
        "variables": {
            variable.name: {
                "value": None if is_hidden(variable) and not with_secrets else variable.value,
                "source": variable.source,
                "secret": is_secret(variable),
            }
            for variable in variables
        },
    }


def path_entries(patch: Patch) -> list[str]:
    """Return the folders that devboot puts before the caller's PATH, in order."""
    entries: list[str] = []
    for kind, name, value in patch:
        if kind == snapshots.PREPEND and name == "PATH":
            entries[:0] = value.split(os.pathsep)
    return entries


def unnameable(patch: Patch) -> list[str]:
    """Return variable names that an env file may have but a shell can't set, such as `a.b`."""
    return [name for kind, name, _ in patch if kind != snapshots.UNSET and not _is_name(name)]


def _shell_lines(patch: Patch, environ: Mapping[str, str]) -> Iterable[str]:
    for kind, name, value in patch:
        if not _is_name(name):
            continue
        if kind == snapshots.SET or (kind == snapshots.DEFAULT and name not in environ):
            yield f"export {name}={_quoted(value)}"
        elif kind == snapshots.PREPEND:
            yield f'export {name}={_quoted(value)}"${{{name}:+:${name}}}"'
        elif kind == snapshots.UNSET:
            yield f"unset {name}"


def _is_name(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"
