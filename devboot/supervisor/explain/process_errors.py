"""Builds the error of a process that failed, from its specification, its exit and its last output."""

from __future__ import annotations

from devboot.errors import Evidence, WorkError, shell_word
from devboot.model import process as model
from devboot.model.printable import counted
from devboot.supervisor.output.line_matcher import find_hint
from devboot.supervisor.state_machine import THEN_FAILED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from signal import SIGKILL

    from devboot.errors import DevbootError
    from devboot.supervisor.explain.observed import Explanation
    from devboot.supervisor.explain.port_conflict import Conflict
    from devboot.supervisor.state_machine import End, State
else:
    from _signal import SIGKILL  # the signal package imports enum

TAIL_LINES = 20
_LONGEST = 100  # most characters of an error's first line
_NEAR = 2  # fewest words in an expected line for which a similar one is looked for
# A dotted name is a missing module of an installed package: nothing to install
_NO_SUCH = r"(?:No module named '|The module |Could not import (?:module )?[\"'])(\w+)"
# A command's script that is missing
_NO_SCRIPT = r"(?:can't open file|Cannot find module) '([^']+)'"


def how_it_ended(end: End) -> str:
    """Return in words how a process ended: `exit 1` or `killed by SIGSEGV`."""
    return f"exit {end.code}" if end.signal is None else f"killed by {model.signal_name(end.signal)}"


def mistake(spec: model.ProcessSpec, error: DevbootError) -> WorkError:
    """Return the error of a process that was ended because of an internal error of devboot."""
    return WorkError(
        error.slug,
        f"`{spec.name}` was ended: {error.what}",
        causes=error.causes,
        help=[*error.help, f"devboot restart {spec.name}"],
        kept=["all other processes keep running"],
    )


def family(pid: int, others: int) -> str:
    """Return words for a process and the number of its children: `pid 4720 and 2 children`."""
    return f"pid {pid}" + (f" and {others} {'child' if others == 1 else 'children'}" if others else "")


def pids(numbers: Iterable[int]) -> str:
    """Return the pids as text, in order: `4720, 4721`."""
    return ", ".join(map(str, sorted(numbers)))


def seconds(value: float) -> str:
    """Format a duration: `0.4 s`, `31 s`."""
    return f"{value:.0f} s" if value >= 9.95 else f"{value:.1f}".removesuffix(".0") + " s"


def crash_loop(spec: model.ProcessSpec, state: State, tail: tuple[str, ...]) -> WorkError:
    """Return the error of a process that has spent its restart budget."""
    times = len(state.failures)
    span = state.failures[-1] - state.failures[0]
    if state.then == THEN_FAILED:  # the signal that ended it was sent by this supervisor
        last = ", the last time because it hung"
    else:
        last = f", last {_last(state.end)}" if state.end else ""
    what = f"{spec.name} exited {counted(times, 'time')} in {seconds(span)}{last}"
    return _hinted(spec, "process/crash-loop", what, tail, _after_a_fix(spec))


def hopeless(spec: model.ProcessSpec, tail: tuple[str, ...]) -> WorkError | None:
    """Return the error if the output matches a failure hint of the recipe that no restart can fix; None otherwise."""
    found = find_hint(spec.failure_hints, "\n".join(tail).encode())
    if found is None or found[0].passes:
        return None
    known = found[0]
    helps = (known.help,) if known.help else ()
    return WorkError(
        known.slug,
        known.what,
        details=(_command(spec), *(f"| {line}" for line in tail)),
        causes=("it is not restarted, because it would fail in the same way again",),
        help=(*helps, _after_a_fix(spec)),
        kept=(f"its data is in {spec.data}",) if spec.data else (),
    )


def lasting_lack(spec: model.ProcessSpec, tail: tuple[str, ...]) -> str:
    """Return a sentence about something missing that will also be missing in the next run; "" if there is none."""
    seen = _observed(spec, tail) if spec.observed else None
    return seen.sentence if seen is not None and seen.lasts else ""


def cannot_load(spec: model.ProcessSpec, line: str, tail: tuple[str, ...]) -> WorkError:
    """Return the error of a process that failed twice with the same output line: broken code, or something missing."""
    near = _misspelt(line, spec) or _meant(line, spec)
    seen = None if near else _observed(spec, tail)
    helps = near or (seen.helps if seen else ())
    slug = "process/exited" if line == lasting_lack(spec, tail) else "process/import-error"
    return WorkError(
        (seen.slug if seen else "") or slug,
        _cut(f"{spec.name} {seen.sentence}" if seen else f"{spec.name} can't start: {line}"),
        details=(_command(spec), *(f"| {each}" for each in tail)),
        causes=(
            *_undefined(line, spec),
            "it failed in the same way twice, so it is not restarted",
        ),
        help=(*helps, _after_a_fix(spec), _all_output(spec)),
        evidence=None if helps else _evidence(spec, tail),
    )


def ended(spec: model.ProcessSpec, end: End, tail: tuple[str, ...]) -> WorkError:
    """Return the error of a process or task that ended unexpectedly and isn't restarted."""
    from devboot.supervisor.explain.import_errors import complaint

    if spec.kind != model.TASK:
        return _hinted(spec, "process/exited", f"{spec.name} failed, {_last(end)}", tail)
    why = complaint(tail) if end.signal is None else ""
    what = _cut(f"{spec.name} failed: {why}") if why else f"{spec.name} failed, {_last(end)}"
    return _hinted(spec, "process/task-failed", what, tail)


def cannot_listen(spec: model.ProcessSpec, conflict: Conflict, tail: tuple[str, ...]) -> WorkError:
    """Return the error of a process that isn't restarted because another program uses its port."""
    return WorkError(
        "port/in-use",
        conflict.what,
        details=(_command(spec), *(f"| {line}" for line in tail)),
        causes=(conflict.cause,),
        help=(*conflict.helps, _all_output(spec)),
    )


def parted(spec: model.ProcessSpec, end: End, age: float, tail: tuple[str, ...], *, was_up: bool) -> WorkError:
    """Return the error of a process that should keep running, but exited successfully and isn't restarted."""
    what = f"{spec.name} ended by itself, {_last(end)} after {seconds(age)}"
    once = "if it is meant to end, " + setting(spec, 'restart = "never"')
    is_plain = spec.command and spec.cwd == _root(spec) and not set(spec.command) & set("$;&|<>`(")
    by_hand = (f"devboot run -- {spec.command}   # runs it by hand, if it does one thing and ends",) if is_plain else ()
    helps = (*by_hand, once) if spec.kind == model.PROCESS else ()
    slug, addition = ("process/ended", "") if was_up else ("process/exited", ", before it was ready")
    return _hinted(spec, slug, what + addition, tail, *helps)


def not_ready(spec: model.ProcessSpec, text: str, tail: tuple[str, ...]) -> WorkError:
    """Return the error of a running process whose readiness probe doesn't pass.

    `text` is the message of the last try.
    """
    why = f": {text}" if text else ""
    return _hinted(spec, "process/not-ready", f"{spec.name} is not ready{why}", tail, *_log_line(spec, tail))


def error_page(spec: model.ProcessSpec, url: str, says: str, tail: tuple[str, ...]) -> WorkError:
    """Return the error of a running web process whose page `url` fails; `says` is a predicate such as `answers 500`."""
    from devboot.supervisor.explain.import_errors import last_raised

    why = last_raised(tail)
    error = _hinted(spec, "process/error-page", f"{spec.name} {says}", tail)
    return WorkError(
        error.slug,
        _cut(f"{error.what}: {why}" if why and not error.causes else error.what),
        details=(url, *error.details),
        causes=error.causes,
        help=error.help,
        kept=("everything keeps running: `devboot ps`, `devboot down`",),
        evidence=error.evidence,
    )


def _log_line(spec: model.ProcessSpec, tail: tuple[str, ...]) -> tuple[str, ...]:
    """Return advice if the log line expected by the readiness probe is missing but a similar one was printed."""
    expected = spec.ready.expect if spec.ready is not None and spec.ready.kind == model.LOG else ""
    wanted = _words(expected)
    near = max(tail, key=lambda line: len(wanted & _words(line)), default="")
    if len(wanted) < _NEAR or len(wanted & _words(near)) * 3 < len(wanted) * 2:
        return ()
    return (f"no line matches `{expected}`, but `{_cut(near.strip())}` is similar: correct `ready` of `{spec.name}`",)


def _words(text: str) -> set[str]:
    import re

    return {word.casefold() for word in re.findall(r"[^\W\d_]{3,}", text)}


def waits(spec: model.ProcessSpec, reason: str) -> WorkError:
    """Return the error of a process that wasn't started because of an unmet dependency."""
    return WorkError("process/waiting", f"{spec.name} was not started: {reason}", help=["devboot ps"])


def daemonised(spec: model.ProcessSpec, left: int) -> WorkError:
    """Return the error of a process that moved itself to the background, leaving `left` unsupervised children."""
    return WorkError(
        "process/daemonised",
        f"{spec.name} ended at once and left {counted(left, 'process')} in the background",
        details=(_command(spec),),
        help=("run it in the foreground, for example without `--daemon` or `-d`, or with `nginx -g 'daemon off;'`",),
    )


def hint(spec: model.ProcessSpec, text: bytes) -> WorkError | None:
    """Return the recipe's error for the first output line that matches one of its failure hints; None if none does."""
    found = find_hint(spec.failure_hints, text)
    if found is None:
        return None
    known, line = found
    helps = (known.help or f"devboot explain {known.slug}",)
    kept = (f"its data is in {spec.data}",) if spec.data else ()
    return WorkError(known.slug, known.what, details=(f"| {line}",), help=helps, kept=kept)


def _hinted(spec: model.ProcessSpec, slug: str, what: str, tail: tuple[str, ...], *helps: str) -> WorkError:
    known = find_hint(spec.failure_hints, "\n".join(tail).encode())
    causes: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    if known is not None:
        slug, causes = known[0].slug, (known[0].what,)
        first = (known[0].help,) if known[0].help else ()
    elif (seen := _observed(spec, tail)) is not None:
        what, causes, first = _cut(f"{spec.name} {seen.sentence}"), (what,), seen.helps
        slug = seen.slug or slug
    return WorkError(
        slug,
        what,
        details=(_command(spec), *(f"| {line}" for line in tail)),
        causes=causes,
        help=(*first, *helps, _all_output(spec)),
        evidence=None if first or known is not None else _evidence(spec, tail),
    )


def _evidence(spec: model.ProcessSpec, tail: tuple[str, ...]) -> Evidence:
    """Return the facts from which the command line derives advice: last output, command, folders, requirements."""
    return Evidence(tail, spec.command, spec.cwd, _root(spec), spec.packages)


def _observed(spec: model.ProcessSpec, tail: tuple[str, ...]) -> Explanation | None:
    """Return the explanation of a failure by what the program was observed to access; None for services."""
    from devboot.supervisor.explain.observed import explain

    return explain(spec, tail) if spec.kind != model.SERVICE else None


def _root(spec: model.ProcessSpec) -> str:
    """Return the project's folder, in which commands are pasted."""
    return spec.env_files[0] if spec.env_files else spec.cwd


def setting(spec: model.ProcessSpec, line: str) -> str:
    """Return advice to set a key in the process' table of devboot.toml, which the project may not have yet."""
    import os
    import re

    name = re.sub(r"\.\d+$", "", spec.name)  # worker for worker.2
    is_written = os.path.lexists(os.path.join(_root(spec), "devboot.toml"))
    first = "" if is_written else "`devboot init`, then "
    return f"{first}set `{line}` in `[processes.{name}]`"


def _undefined(line: str, spec: model.ProcessSpec) -> tuple[str, ...]:
    """Return the cause of an ImportError if one of the project's modules doesn't define the imported name."""
    import os
    import re

    found = re.match(r"ImportError: cannot import name '(\w+)' from '[\w.]+' \((/[^)]+\.py)\)$", line)
    path = os.path.relpath(found[2], _root(spec)) if found else ".."
    if found is None or path.startswith("..") or "site-packages" in path:
        return ()
    return (f"`{path}` does not define `{found[1]}`: only a change of the code can fix that",)


def _misspelt(line: str, spec: model.ProcessSpec) -> tuple[str, ...]:
    """Return the command that corrects a module's package in the Procfile, if just one other package has the module."""
    import os
    import re

    missing = re.search(_NO_SUCH, line)
    named = re.search(rf"(?<![\w./-]){re.escape(missing[1])}\.([\w.]+)", spec.command) if missing else None
    if named is None:
        return ()
    module = named[1].replace(".", os.sep) + ".py"
    try:
        there = [name for name in os.listdir(spec.cwd) if os.path.isfile(os.path.join(spec.cwd, name, module))]
    except OSError:
        return ()
    if len(there) != 1 or not there[0].isidentifier():
        return ()
    return _correction(named[0], f"{there[0]}.{named[1]}", spec)


def _correction(old: str, new: str, spec: model.ProcessSpec) -> tuple[str, ...]:
    """Return the command that replaces a word in the process' line of the Procfile; empty for other processes."""
    import re

    file, _, number = spec.origin.rpartition(":")
    if not number.isdigit() or not all(re.fullmatch(r"[\w./-]+", each) for each in (file, old, new)):
        return ()
    pattern = old.replace(".", r"\.")
    return (f"sed -i.bak '{number}s|{pattern}|{new}|' {shell_word(file)} && devboot up -d   # `{new}` is there",)


def _meant(line: str, spec: model.ProcessSpec) -> tuple[str, ...]:
    """Return advice naming a module or script of the project whose name is similar to the missing one."""
    import os
    import re

    from devboot.model.nearest import nearest

    folder = spec.cwd
    if script := re.search(_NO_SCRIPT, line):
        folder, _, name = os.path.join(folder, script[1]).rpartition("/")
        try:
            likely = nearest(name, os.listdir(folder))
        except OSError:
            likely = None
        if not likely and not os.path.isabs(script[1]) and "can't open" not in line:  # a package of Node
            return ()
        if not likely:
            is_built = re.search(r"/(?:dist|build|out)(?:/|$)", folder)
            lacks = f"`{script[1]}` is a file of the project itself that this clone lacks: only its author can add it"
            return () if is_built else (lacks,)
        is_whole = re.search(rf"(?:^|[\s/]){re.escape(name)}(?:\s|$)", spec.command)
        return (is_whole and _correction(name, likely, spec)) or (f"did you mean `{likely}`?",)
    found = re.search(_NO_SUCH, line)
    try:
        names = {name.removesuffix(".py") for name in os.listdir(folder or ".")}
    except OSError:
        return ()
    likely = nearest(found[1], names) if found and found[1] not in names else None
    return (f"did you mean `{likely}`?",) if likely else ()


def _command(spec: model.ProcessSpec) -> str:
    command = spec.command or " ".join(spec.argv)
    return f"{command}     ({spec.origin})" if spec.origin else command


def _after_a_fix(spec: model.ProcessSpec) -> str:
    """Return the advice on how to start the process again.

    `restart` would not apply edits of Procfile or devboot.toml.
    """
    again = "it starts again when its files change, or by" if spec.watch else "after a fix:"
    return f"{again} `devboot up -d`"


def _all_output(spec: model.ProcessSpec) -> str:
    return f"all output: `devboot logs {spec.name}`"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _last(end: End) -> str:
    if end.signal is None:
        return f"with code {end.code}"
    likely = ", probably out of memory" if end.signal == SIGKILL else ""
    return f"{how_it_ended(end)}{likely}"
