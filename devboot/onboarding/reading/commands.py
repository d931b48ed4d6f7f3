"""Finds commands that start a clone: in task runners, scripts, packages and README."""

from __future__ import annotations

import ast
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from devboot.clone_reader import table_in
from devboot.onboarding.proposal_values import Evidence, Note, Program
from devboot.onboarding.reading.layout import ASIDE, Application, cwd_of, is_library
from devboot.onboarding.reading.local_imports import followed
from devboot.onboarding.reading.program_kinds import ProgramKind, kind_by_screen, kind_of_program
from devboot.onboarding.reading.python import load_toml
from devboot.onboarding.reading.tree import Tree, line_of

TARGETS = ("dev", "serve", "runserver", "start", "run", "web", "app", "server")
_MAKEFILES = ("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile")
_TABLES = (
    ("tool", "poe", "tasks"),
    ("tool", "pdm", "scripts"),
    ("tool", "taskipy", "tasks"),
    ("tool", "hatch", "envs", "default", "scripts"),
)
_SCRIPTS = (("project", "scripts"), ("tool", "poetry", "scripts"))
_READMES = ("README.md", "readme.md", "README.rst", "README.txt", "README")
_RULE = re.compile(
    r"^(?P<name>[A-Za-z][\w-]*)[^:\n]*:(?!=)[^\n]*\n(?P<body>(?:[ \t]+[^\n]*\n?|\n(?=[ \t]))+)", re.MULTILINE
)
_FENCED = re.compile(r"^[ \t]*(?:\d+\.[ \t]*)?```[^\n]*\n(?P<body>.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
# A literal block of reStructuredText: `::` or a directive, options, an empty line and indented lines
_LITERAL = re.compile(
    r"^(?:\S.*::|\.\. (?:code|code-block|sourcecode|prompt)::[^\n]*)[ \t]*\n(?:[ \t]+:[^\n]*\n)*[ \t]*\n"
    r"(?P<body>(?:[ \t]+\S[^\n]*(?:\n|\Z)|[ \t]*\n)+)",
    re.MULTILINE,
)
_RUNNER = re.compile(r"^(?:[@-]|\$\s+)*(?:(?:uv|poetry|pipenv|pdm|hatch|rye)\s+run\s+(?:--\S+\s+)*)?")
_REMARK = re.compile(r"\s#(?:\s.*)?$")
_SERVER = re.compile(
    r"^(?:uvicorn|gunicorn|hypercorn|daphne|granian|flask\b.*\brun|quart\b.*\brun|fastapi\s+(?:dev|run)|litestar\b.*\brun|"
    r"streamlit\s+run|chainlit\s+run|panel\s+serve|waitress-serve|sanic|scrapyrt|celery\b.*\bworker)\b"
)
_PYTHON = re.compile(
    r"^python[\d.]*\s+(?:-u\s+)?(?:-m\s+(?P<module>[\w.]+)|(?P<script>[\w./-]+\.py))(?P<rest>\s[^|&;<>]*)?$"
)
_NO_PROGRAM = re.compile(
    r"^(?:pip|venv|virtualenv|pytest|unittest|http\.server|ensurepip|build|flake8|black|mypy|ruff|coverage)$"
)
_ONE_OFF = re.compile(
    r"(?:^|[_.-])(?:setup|install|migrat\w*|seed\w*|init\w*|create\w*|test\w*|train\w*|build|scrap\w*)\b", re.IGNORECASE
)
_FOR_SERVERS = re.compile(r"celery|[wa]sgi|gunicorn|conf")  # modules that servers load
# Calls that keep running
_KEEPS_RUNNING = re.compile(
    r"\buvicorn\.run\(|\b(?:serve_forever|run_forever|run_polling|start_polling|run_app|infinity_polling)\("
    r"|\b(?:app|application|bot|server)\.run\(|\bwhile True:|\bhypercorn\b|\bwaitress\b"
)
_WAITS = frozenset({"sleep", "run_pending"})
_LOOPS_AT_ONCE = re.compile(r"^while (?:True|1):", re.MULTILINE)
_HAS_VERBS = re.compile(r"\.group\(|\badd_subparsers\(|\bTyper\(")  # a command-line program, whatever it can start
_USUAL = ("main.py", "app.py", "run.py", "server.py")
_IS_PROGRAM = re.compile(r"""^if __name__ == ["']__main__["']""", re.MULTILINE)
_RUN_AS_PROGRAM = re.compile(r"""^if __name__ == ["']__main__["']|^\w+\(\)[ \t]*$""", re.MULTILINE)


def start_commands(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    """Yield (command, place) of commands that keep running, the clearest first."""
    written = _those_that_stay(tree, app, (*_of_makefiles(tree, app, TARGETS), *_of_project(tree, app, TARGETS)))
    shown = _those_that_stay(tree, app, (*_of_readme(tree, app), *_of_packages(tree, app)))
    yield from (*written, *_of_scripts(tree, app), *shown, *_of_loops(tree, app))


def _of_loops(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    """Yield the command of a program in the application's folder that loops forever.

    Of several one with a usual name.
    """
    inside = [path for path in tree.python_files() if (posixpath.dirname(path) or ".") == app.folder]
    found = {posixpath.basename(path): line for path in inside if (line := _line_of_loop(tree, path))}
    usual = [name for name in _USUAL if name in found]
    for name in usual or (found if len(found) == 1 else ()):
        yield f"python {shlex.quote(name)}", Evidence(posixpath.normpath(posixpath.join(app.folder, name)), found[name])


def _line_of_loop(tree: Tree, path: str) -> int:
    """Return the line where a program's endless loop begins; 0 if there is none, or the program is interactive."""
    text = tree.text(path) or ""
    is_program = _RUN_AS_PROGRAM.search(text) or _LOOPS_AT_ONCE.search(text)
    is_one_off = ASIDE.search(path) or _ONE_OFF.search(posixpath.basename(path).removesuffix(".py"))
    if not is_program or is_one_off or kind_of_program(text).what or _HAS_VERBS.search(text):
        return 0
    parsed = tree.module(path) if "while " in text else None
    loops = (
        (node.lineno for node in ast.walk(parsed) if isinstance(node, ast.While) and _goes_round(node))
        if parsed
        else ()
    )
    return next(iter(loops), 0)


def _goes_round(node: ast.While) -> bool:
    """Return whether a `while` loop has no end and waits in each round."""
    if not isinstance(node.test, ast.Constant) or not node.test.value:
        return False
    inner = list(ast.walk(node))
    calls = {each.func.attr for each in inner if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)}
    calls |= {each.func.id for each in inner if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}
    return bool(calls & _WAITS) and not any(map(_ends, node.body))


def _ends(node: ast.AST) -> bool:
    """Return whether a statement may leave its loop; a `break` of an inner loop doesn't."""
    if isinstance(node, ast.Break | ast.Return):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    inner = ast.iter_child_nodes(node)
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        return any(isinstance(each, ast.Return) for child in inner for each in ast.walk(child))
    return any(map(_ends, inner))


def _those_that_stay(
    tree: Tree, app: Application, commands: Iterable[tuple[str, Evidence]]
) -> Iterator[tuple[str, Evidence]]:
    for command, evidence in commands:
        plain = plain_command(command)
        if (_SERVER.search(plain) and _has_target(tree, app, plain)) or (
            _runs(tree, app, plain) and not _is_interactive(tree, app, plain)
        ):
            yield plain, evidence


def plain_command(command: str) -> str:
    """Return a command of a README or task runner without prompt, runner and comment, using `python`."""
    return re.sub(r"^python[\d.]*\s", "python ", _RUNNER.sub("", _REMARK.sub("", command).strip()))


def _has_target(tree: Tree, app: Application, command: str) -> bool:
    """Return whether the clone has the module that a server's command names.

    The README of a framework shows commands for its users' modules.
    """
    if re.match(r"flask\b", command) and not re.search(r"(?:--app|-A)[ =]|\bFLASK_APP\b", command):
        names = ("app.py", "wsgi.py", ".flaskenv", "app/__init__.py", "wsgi/__init__.py")
        return any(tree.exists(posixpath.join(app.folder, name)) for name in names)
    named = re.search(
        r"[\s\"']([A-Za-z_][\w.]*):[A-Za-z_]\w*(?:\(.*\))?(?=[\s\"']|$)|\s([\w./-]+\.py)(?=\s|$)", command
    )
    if named is None:
        return True
    inner = named[2] or named[1].replace(".", "/") + ".py"
    places = (app.folder, *app.sources)
    endings = (inner, inner.removesuffix(".py") + "/__init__.py")
    return any(tree.exists(posixpath.normpath(posixpath.join(place, each))) for place in places for each in endings)


def program_files(tree: Tree, app: Application) -> list[str]:
    """Return the module that starts a clone without a framework, in a list; empty if its files don't show one."""
    shown = next(start_commands(tree, app), None) or the_program(tree, app)
    path = file_of(tree, app, plain_command(shown[0])) if shown else ""
    return [path] if path else []


def programs(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    """Yield (command, place) of all commands that start a Python program of the clone."""
    for command, evidence in (*offered(tree, app, TARGETS), *_of_packages(tree, app)):
        plain = plain_command(command)
        if _runs(tree, app, plain):
            yield plain, evidence


def the_program(tree: Tree, app: Application) -> tuple[str, Evidence | None] | None:
    """Return the likeliest command (with its place) to run the clone's program, which may exit soon; None for none."""
    found = next(programs(tree, app), None)
    if found is not None:
        return found
    usual = [name for name in _USUAL if name in tree.in_folder(app.folder)] or list(_inner_programs(tree, app))
    if usual or (script := next(_console_scripts(tree, app), None)) is None:
        named = usual[:1] or _only_program(tree, app)
        return (f"python {shlex.quote(named[0])}", None) if named else None
    return script


def _console_scripts(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    """Yield (command, place) of the programs that the clone's package installs."""
    path = posixpath.normpath(posixpath.join(app.root, "pyproject.toml"))
    project = load_toml(tree, path)
    for keys in _SCRIPTS if "build-system" in project else ():
        for name in table_in(project, *keys):
            yield shlex.quote(name), Evidence(path, _line_of_entry(tree, path, name))


def _line_of_entry(tree: Tree, path: str, name: str) -> int:
    return line_of(tree.text(path) or "", rf"^[ \t]*[\"']?{re.escape(name)}\b[\"']?\s*=")


def nothing_to_run(
    tree: Tree, app: Application, own: tuple[str, Evidence | None] | None, *, has_packages: bool
) -> tuple[Note, Program]:
    """Return a note that nothing in the clone keeps running, and the clone's program, if it has one.

    Without packages there is no virtualenv, whose `python` would run it.
    """
    found = own or the_program(tree, app)
    if found is None and is_library(tree, app.root):
        return Note("a library: no process found in it"), Program()
    if found is None:
        text = "no start command found in the clone: write `web: COMMAND` into a file `Procfile`"
        return Note(text, warns=True), Program()
    command, where = found
    kind = _kind_of(tree, app, command)
    command = command if has_packages else re.sub(r"^python(?=\s)", "python3", command)
    folder = "" if cwd_of(app) == "." else f"cd {shlex.quote(cwd_of(app))} && "
    program = f"{folder}devboot run -- {command}"
    program += f" {kind.option}" if kind.option and " -" not in command.partition(".py")[2] else ""
    text = f"no long-running process found in the clone: `{program}` runs its program"
    if kind.what:
        return Note(f"{text}, which {kind.what}", where, warns=True), Program(program, kind.what)
    text += ", `web: COMMAND` in a file `Procfile` makes it a process"
    return Note(text, where, warns=True), Program(program)


def _inner_programs(tree: Tree, app: Application) -> Iterator[str]:
    """Yield the modules below the application's folder that have a usual program name and run as programs."""
    prefix = "" if app.folder == "." else f"{app.folder}/"
    for path in tree.python_files():
        is_named_so = posixpath.basename(path) in _USUAL and path.startswith(prefix) and not ASIDE.search(path)
        if is_named_so and _RUN_AS_PROGRAM.search(tree.text(path) or ""):
            yield path.removeprefix(prefix)


def _only_program(tree: Tree, app: Application) -> list[str]:
    """Return the only module in the application's folder that runs as a program, in a list, whatever its name."""
    inside = [path for path in tree.python_files() if (posixpath.dirname(path) or ".") == app.folder]
    programs = [path for path in inside if not ASIDE.search(path) and _IS_PROGRAM.search(tree.text(path) or "")]
    names = [posixpath.basename(path) for path in programs]
    return names if len(names) == 1 and not (_ONE_OFF.search(names[0][:-3]) or _FOR_SERVERS.search(names[0])) else []


def offered(tree: Tree, app: Application, targets: Sequence[str]) -> Iterator[tuple[str, Evidence]]:
    """Yield (command, place) of targets in Makefile, justfile and pyproject.toml, and of commands in the README."""
    yield from _of_makefiles(tree, app, targets)
    yield from _of_project(tree, app, targets)
    yield from _of_readme(tree, app)


def _of_makefiles(tree: Tree, app: Application, targets: Sequence[str]) -> Iterator[tuple[str, Evidence]]:
    for name in _MAKEFILES:
        path = posixpath.normpath(posixpath.join(app.root, name))
        text = tree.text(path) or "" if tree.exists(path) else ""
        rules = {rule["name"]: rule for rule in _RULE.finditer(text)}
        for rule in (rules[target] for target in targets if target in rules):
            line = text.count("\n", 0, rule.start("body")) + 1
            lines = [(line + number, each.strip()) for number, each in enumerate(rule["body"].splitlines())]
            yield from ((each, Evidence(path, number)) for number, each in lines if each and "$(" not in each)


def _of_project(tree: Tree, app: Application, targets: Sequence[str]) -> Iterator[tuple[str, Evidence]]:
    path = posixpath.normpath(posixpath.join(app.root, "pyproject.toml"))
    project = load_toml(tree, path)
    for keys in _TABLES:
        table = table_in(project, *keys)
        for name in (target for target in targets if target in table):
            where = Evidence(path, line_of(tree.text(path) or "", rf"^[ \t]*[\"']?{name}\b"))
            yield from ((command, where) for command in _commands_of(table, table[name]))


def _commands_of(table: Mapping[str, Any], entry: object, depth: int = 3) -> Iterator[str]:
    """Yield the commands of a task runner's entry, which is a text, a table, or a list of other entries."""
    if isinstance(entry, str):
        inner = table.get(entry) if " " not in entry and depth else None
        yield from _commands_of(table, inner, depth - 1) if inner is not None else (entry,)
    elif isinstance(entry, dict):
        words = entry.get("cmd")
        if isinstance(words, list):
            yield " ".join(map(str, words))
        elif isinstance(entry.get("script"), str):
            yield f"python -m {entry['script'].partition(':')[0]}"
        else:
            found = words or entry.get("shell") or entry.get("composite") or entry.get("sequence") or entry.get("call")
            yield from _commands_of(table, found, depth - 1) if found and depth else ()
    elif isinstance(entry, list) and depth:
        for each in entry:
            yield from _commands_of(table, each, depth - 1)


def _of_scripts(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    """Yield (command, place) of console scripts that keep running, as `python -m` or as an installed program."""
    path = posixpath.normpath(posixpath.join(app.root, "pyproject.toml"))
    project = load_toml(tree, path)
    for keys in _SCRIPTS:
        for name, target in table_in(project, *keys).items():
            module, _, function = target.partition(":") if isinstance(target, str) else ("", "", "")
            file = next((each for each in _files_of_module(app, module) if tree.exists(each)), "")
            text = tree.text(file) or "" if file else ""
            if not _KEEPS_RUNNING.search(text) or _HAS_VERBS.search(text):
                continue
            where = Evidence(path, _line_of_entry(tree, path, name))
            if _RUN_AS_PROGRAM.search(text):
                yield f"python -m {module}", where
            elif "build-system" in project:
                yield f"{shlex.quote(name)}", where
            else:
                yield f"python -c 'from {module} import {function}; {function}()'", where


def _files_of_module(app: Application, module: str) -> Iterator[str]:
    inner = module.replace(".", "/")
    for source in (app.folder, *app.sources, posixpath.join(app.root, "src")):
        yield from (posixpath.normpath(posixpath.join(source, f"{inner}{end}")) for end in (".py", "/__init__.py"))


def _of_readme(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    for name in _READMES:
        path = posixpath.normpath(posixpath.join(app.root, name))
        text = tree.text(path) or "" if tree.exists(path) else ""
        pattern = _LITERAL if name.endswith(".rst") else _FENCED
        for block in pattern.finditer(text):
            first = text.count("\n", 0, block.start("body")) + 1
            for number, line in enumerate(block["body"].splitlines()):
                yield line, Evidence(path, first + number)


def _of_packages(tree: Tree, app: Application) -> Iterator[tuple[str, Evidence]]:
    for path in tree.python_files():
        folder = posixpath.dirname(path)
        if posixpath.basename(path) == "__main__.py" and folder and not ASIDE.search(path):
            inner = posixpath.relpath(folder, app.folder)
            if not inner.startswith(".."):
                yield f"python -m {inner.replace('/', '.')}", Evidence(path)


def file_of(tree: Tree, app: Application, command: str) -> str:
    """Return the file of the clone that a Python command runs; "" for other commands."""
    match = _PYTHON.match(command)
    if match is None or (match["module"] and _NO_PROGRAM.match(match["module"])):
        return ""
    inner = match["script"] or match["module"].replace(".", "/") + ".py"
    for each in (inner, inner.removesuffix(".py") + "/__main__.py"):
        path = posixpath.normpath(posixpath.join(app.folder, each))
        if tree.exists(path):
            return path
    return ""


def _runs(tree: Tree, app: Application, command: str) -> bool:
    path = file_of(tree, app, command)
    return bool(path) and not _ONE_OFF.search(posixpath.basename(path).removesuffix(".py"))


def is_lasting(command: str) -> bool:
    """Return whether a command seems to keep running: its name isn't that of a set-up, a migration or a test."""
    names = re.findall(r"[\w./-]+\.py|(?<=-m )[\w.]+", command)
    return not any(_ONE_OFF.search(posixpath.basename(name).removesuffix(".py")) for name in names)


def _is_interactive(tree: Tree, app: Application, command: str) -> bool:
    """Return True if a program needs a person at its terminal, or a desktop."""
    return _kind_of(tree, app, command).is_interactive


def _kind_of(tree: Tree, app: Application, command: str) -> ProgramKind:
    path = file_of(tree, app, command)
    kind = kind_of_program(tree.text(path) or "")
    if kind.what or not path:
        return kind
    inner = (kind_by_screen(tree.text(each) or "") for each in followed(tree, app, [path]))
    return next((each for each in inner if each.what), kind)
