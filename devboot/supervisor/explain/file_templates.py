"""Finds templates of missing files in the project, such as `settings.example.json`."""

from __future__ import annotations

import os
import re
import shlex

WORDS = ("example", "sample", "template", "dist", "default", "tmpl", "tpl")
_MISSING = re.compile(r"No such file or directory: '([^']+)'|\[Errno 2\] [^:']*: '([^']+)'")
_NO_MODULE = re.compile(r"No module named '((?:\w+\.)*\w+)'")


def copying_command(tail: tuple[str, ...], folder: str, root: str = "") -> str:
    """Return the `cp` command that creates a missing file, named in the last output, from its template; "" for none.

    The template is looked up in `folder`; the command is to be pasted in `root`, by default the same. Of a path in a
    container image, the part counts that begins with a folder of the project.
    """
    path = _missing_path(tail)
    if not path or path.startswith("../") or os.path.exists(os.path.join(folder, path)):
        return ""
    above = f"{folder.rstrip('/')}/"
    parts = path.removeprefix(above).removeprefix("/").split("/")
    starts = range(len(parts)) if path.startswith("/") and not path.startswith(above) else range(1)
    inside = os.path.relpath(folder, root or folder)
    for wanted in ("/".join(parts[start:]) for start in starts):
        inner, name = os.path.split(wanted)
        if found := next(
            (each for each in template_names(name) if os.path.isfile(os.path.join(folder, inner, each))), None
        ):
            files = (os.path.normpath(os.path.join(inside, each)) for each in (os.path.join(inner, found), wanted))
            return f"cp {' '.join(map(shlex.quote, files))} && devboot up -d"
    return ""


def _missing_path(tail: tuple[str, ...]) -> str:
    for line in reversed(tail):
        if file := _MISSING.search(line):
            return file[1] or file[2]
        if module := _NO_MODULE.search(line):
            return f"{module[1].replace('.', '/')}.py"
    return ""


def template_names(name: str) -> list[str]:
    """Return names that a template of a file may have: for `.env` also `.env.example`."""
    stem, ending = os.path.splitext(name)
    named = [f"{name}.{{}}", f"{name}-{{}}", f"{stem}.{{}}{ending}", f"{stem}-{{}}{ending}", f"{stem}_{{}}{ending}"]
    named += [f"{stem}.{{}}"] if ending else []
    named += [f"{{}}.{name}", f"{{}}-{name}", f"{{}}_{name}"]
    return [form.format(word) for form in named for word in WORDS]
