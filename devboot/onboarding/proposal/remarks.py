"""Notes about a proposal: servers without visible use, files that the clone lacks, other applications."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from devboot.errors import shell_word
from devboot.onboarding.frameworks.application_object import ENTRY_NAMES
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.frameworks.known import FRAMEWORKS
from devboot.onboarding.libraries import kind
from devboot.onboarding.proposal_values import Evidence, Note, Variable
from devboot.onboarding.reading.app_json import read_app_json
from devboot.onboarding.reading.layout import ASIDE, folders_with_input
from devboot.onboarding.reading.tree import syntax_error
from devboot.onboarding.symbolic_eval.evaluate import Run
from devboot.onboarding.symbolic_eval.values import HOLE

_MOST_NEIGHBOURS = 4
_MOST_UNUSED = 6


def other_services(clone: Clone, servers: set[str]) -> list[Note]:
    """Return notes about compose's servers that no code seems to use, and those without a recipe."""
    addons = (each for each in read_app_json(clone.tree, clone.app.root).servers if each[0] != "redis")
    said = [
        *((each.recipe, f"compose runs it as `{each.name}`", each.evidence) for each in clone.compose.containers),
        *((server, "app.json lists it as an add-on", where) for server, where in addons),
    ]
    notes: list[Note] = []
    for server, how, where in said:
        if server and server not in servers:
            servers.add(server)
            own = kind(server).recipe
            rest = f"`[services.{own}]` would run it" if own else "there is no recipe for it yet"
            notes.append(Note(f"{server}: {how}; {rest}", where))
    return notes


def absent(clone: Clone, run: Run) -> list[Note]:
    """Return notes about modules that the code imports and the clone lacks, each with its template, if there is one."""
    notes = []
    known = [(name, place) for name, place in run.found.absent if HOLE not in name]
    missing = [(name, place, "imported") for name, place in known[:2]]
    if clone.settings.named and not clone.settings.module:
        missing.append((clone.settings.named, clone.settings.evidence, "named"))
    for (made_from, target), place in run.found.templates.items():
        notes.append(Note(f"`{target}` is needed but not in the clone: make it from {made_from}", place))
    for name, evidence, how in missing:
        inner = name.replace(".", "/")
        beside = [f"{source}/{inner}" if source != "." else inner for source in clone.app.sources]
        stems = "|".join(map(re.escape, beside))
        made = r"[._-]?(?:example|sample|template|dist|default)\w*(?:\.py)?$"
        pattern = re.compile(rf"(?:{stems})(?:{made}|\.py\.\w+$)")
        template = next((path for path in clone.tree.files() if pattern.search(path)), None)
        hint = f": make it from {template}" if template else ""
        notes.append(Note(f"`{name}` is {how} but not in the clone{hint}", evidence))
    return notes


def broken(clone: Clone) -> list[Note]:
    """Return a warning for each module of the application with a syntax error, which detection had to ignore."""
    root = "" if clone.app.root == "." else clone.app.root
    found = sorted({**clone.tree.broken, **dict(_broken_entries(clone))}.items())
    return [
        Note(f"{posixpath.basename(path)} {reason}; nothing was read from it", Evidence(path, line), warns=True)
        for path, (line, reason) in found
        if posixpath.dirname(path) == root
    ]


def _broken_entries(clone: Clone) -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield (module, (line, message)) of modules with an entry's name and a syntax error."""
    for name in ENTRY_NAMES:
        path = posixpath.normpath(posixpath.join(clone.app.folder, name))
        if not clone.tree.exists(path) or clone.tree.module(path) is not None:
            continue
        line, message = syntax_error(clone.tree.text(path) or "")
        if line:
            yield path, (line, f"isn't valid Python: {message}")


def unused_examples(clone: Clone, run: Run, env: Iterable[Variable]) -> list[Note]:
    """Return a note about variables in templates that stay unset because the code has defaults for them."""
    known = {*(each.name for each in env), *clone.files.committed, "PORT"}
    left: dict[str, list[str]] = {}
    for name, line in clone.files.examples.items():
        read = run.found.reads.get(name)
        default = read.default.data if read is not None and read.default is not None else None
        if read is not None and name not in known and not line.is_placeholder and line.text != str(default):
            left.setdefault(line.path, []).append(name)
    return [_unused(path, names) for path, names in left.items()]


def _unused(path: str, names: list[str]) -> Note:
    shown = ", ".join(names[:_MOST_UNUSED]) + (f" and {rest} more" if (rest := len(names) - _MOST_UNUSED) > 0 else "")
    return Note(f"{path} is used only where the code has no default: put {shown} into .env to use its values")


def made_up(env: Iterable[Variable]) -> list[Note]:
    """Return a note about variables for accounts that got generated values, as the start only needs some value."""
    names = [each for each in env if each.generate and each.description]
    if not names:
        return []
    shown = ", ".join(each.name for each in names)
    text = f"generated values for {shown}: enough to start; replace them in {names[0].file} to use the account"
    return [Note(text, names[0].evidence)]


def neighbours(clone: Clone) -> list[Note]:
    """Return notes about other applications in the clone, which `up` starts in their own folders."""
    tree, above = clone.tree, f"{clone.app.folder}/"
    ours = (clone.app.root, ".")
    others = {root for root in folders_with_input(tree) if root not in ours and not above.startswith(f"{root}/")}
    found: dict[str, Note] = {}
    for candidate in (
        each for row in FRAMEWORKS if others for framework in row for each in framework.applications(tree)
    ):
        root, path = candidate.app.root, candidate.app.path
        if root in others and not ASIDE.search(path):
            text = f"{root} is an application, too: `devboot -C {shell_word(root)} up` starts it"
            found.setdefault(root, Note(text, Evidence(path)))
    return [found[root] for root in sorted(found)][:_MOST_NEIGHBOURS]
