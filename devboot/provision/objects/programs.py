"""Writes the programs of a store object: links to its files, or scripts that set variables or add arguments.

Scripts contain no path outside the object except the interpreters' folder next to the store, so that an object has the
same bytes wherever it is; a script finds its object through any chain of links.
"""

from __future__ import annotations

import os
import re
import shlex

from devboot.model.artifact import Layout, Wanted
from devboot.provision.objects.tree import find_one

PYTHONS = "pythons"  # <data>/pythons/<minor>/path: the interpreter that the apps of this minor version run on
_PLACEHOLDER = re.compile(r"\{(tree|bin|python)\}")
_VALUES = {"tree": "$object/tree", "bin": "$object/bin", "python": "$python"}
_HEAD = """\
#!/bin/sh
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
    link=$(readlink "$self")
    case $link in /*) self=$link ;; *) self=${self%/*}/$link ;; esac
done
object=$(cd "${self%/*}/.." && pwd -P) || exit 1
"""
# Bytecode is cached next to the interpreter: the object is read-only, and bytecode differs between machines.
_PYTHON = """\
pythons=${object%/*}/../pythons/MINOR
if ! read -r python 2>/dev/null <"$pythons/path" || ! [ -x "$python" ]; then python=pythonMINOR; fi
export PYTHONPATH="$object/tree" PYTHONPYCACHEPREFIX="$pythons/pycache" PYTHONSAFEPATH=1 PYTHONNOUSERSITE=1
"""


def write_programs(staging: str, wanted: Wanted) -> None:
    """Write the programs of an object into `staging`/bin: links to its files, or scripts.

    Raises IntegrityError `archive/wrong-layout` if a file of the tree is missing.
    """
    layout = wanted.layout
    os.mkdir(os.path.join(staging, "bin"))
    for program, pattern in layout.bin:
        found = os.path.join("tree", find_one(os.path.join(staging, "tree"), pattern))
        os.chmod(os.path.join(staging, found), 0o755)  # noqa: S103  a program
        if layout.env:
            _write_script(staging, program, layout, wanted.artifact.python, f'"$object/{_escaped(found)}"')
        else:
            os.symlink(os.path.join("..", found), os.path.join(staging, "bin", program))
    write_shims(staging, layout, wanted.artifact.python)


def write_shims(directory: str, layout: Layout, python: str = "") -> None:
    """Write the scripts of the layout into `directory`/bin; `python` is the minor version of an app's interpreter."""
    for program, command in layout.shims:
        _write_script(directory, program, layout, python, " ".join(map(_word, shlex.split(command))))


def _write_script(directory: str, program: str, layout: Layout, python: str, command: str) -> None:
    lines = [_HEAD]
    if python:
        lines.append(_PYTHON.replace("MINOR", python))
    lines += [f"export {name}={_word(value)}\n" for name, value in layout.env]
    lines.append(f'exec {command} "$@"\n')
    path = os.path.join(directory, "bin", program)
    with open(path, "w", encoding="utf-8") as script:
        script.write("".join(lines))
    os.chmod(path, 0o755)  # noqa: S103  a program


def _word(text: str) -> str:
    """Return a quoted shell word for a script; its placeholders become shell variables."""
    pieces = _PLACEHOLDER.split(text)  # texts and names alternate
    return '"' + "".join(_VALUES[piece] if index % 2 else _escaped(piece) for index, piece in enumerate(pieces)) + '"'


def _escaped(text: str) -> str:
    return re.sub(r'([\\"$`])', r"\\\1", text)
