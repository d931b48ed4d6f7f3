"""Completes an unpacked package: creates links, replaces paths in files, compiles Python modules."""

from __future__ import annotations

import os
import re
import subprocess
from fnmatch import fnmatchcase
from glob import glob

from devboot.errors import IntegrityError
from devboot.files import machine_error
from devboot.model.artifact import Layout
from devboot.provision.objects.tree import files_below


def mend(tree: str, layout: Layout, final: str) -> None:
    """Create the links and replace the texts that the layout lists, in the unpacked files at `tree`.

    `final` is the tree's final path: `{tree}` in a replacement stands for it. Raises IntegrityError
    `archive/wrong-layout` if the files aren't those that the recipe was written for.
    """
    for link, wanted in layout.links:
        path = os.path.join(tree, link)
        target = _matching(tree, link, wanted) if "*" in wanted else wanted
        if "*" in wanted and (not target or os.path.lexists(path)):
            continue  # the link is for another platform
        if os.path.lexists(path):
            raise _unexpected(f"`{link}` exists already, and the recipe would link it to `{target}`")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)
    for pattern, texts in layout.substitute:
        found = [name for name in files_below(tree) if fnmatchcase(name, pattern)]
        if not found:
            raise _unexpected(f"no file matches `{pattern}`, in which the recipe replaces paths")
        for name in found:
            _replace(os.path.join(tree, name), name, texts, final)
    if layout.prefix:
        relocate(tree, layout.prefix, final)


def _matching(tree: str, link: str, wanted: str) -> str:
    """Return the target, relative to the link, that matches a link's pattern in the recipe; "" if nothing matches."""
    folder = os.path.dirname(link)
    pattern = os.path.normpath(os.path.join(folder, wanted))
    found = [name for name in files_below(tree) if fnmatchcase(name, pattern)]
    return os.path.relpath(min(found), folder) if found else ""


_LINKER_SCRIPT = b"/* GNU ld script"


def relocate(tree: str, prefix: str, final: str) -> None:
    """Replace the path `prefix` by `final` in a tree's configuration programs, pkg-config files and linker scripts."""
    # Match a folder below the prefix, or the prefix alone as a value, but not the end of a longer path
    start = rb"(?:(?<![\w.$}/-])|(?<=-I)|(?<=-L))"
    named = re.compile(start + re.escape(prefix.encode()) + rb"(?=/|[\s\"';:]|$)", re.MULTILINE)
    place = os.fsencode(os.path.join(final, prefix.lstrip("/")))
    for name in files_below(tree):
        folder, file = os.path.split(name)
        path = os.path.join(tree, name)
        if os.path.islink(path) or not (file.endswith((".pc", ".so")) or os.path.basename(folder) == "bin"):
            continue
        with open(path, "rb") as stream:
            content = stream.read()
        is_script = content.startswith(b"#!")
        if not (is_script or file.endswith(".pc") or content.startswith(_LINKER_SCRIPT)):
            continue
        head, line, rest = content.partition(b"\n") if is_script else (b"", b"", content)
        with open(path, "wb") as stream:
            stream.write(head + line + named.sub(lambda _: place, rest))


def compile_modules(staging: str, layout: Layout) -> None:
    """Compile the layout's Python modules with its first program, before the store object becomes read-only.

    The bytecode depends on nothing but the modules, so it has the same digest everywhere. Raises MachineError.
    """
    tree = os.path.join(staging, "tree")
    folders = sorted(path for pattern in layout.modules for path in glob(os.path.join(tree, pattern)))
    if not folders:
        return
    program = os.path.join(staging, "bin", layout.programs[0])
    # modules with syntax errors in this version (tests, templates) stay uncompiled
    words = ["-sB", "-m", "compileall", "-qf", "--invalidation-mode", "unchecked-hash", "-s", tree, *folders]
    # Without `-I`, which ignores the hash seed: up to 3.10 the order of sets in bytecode depends on it
    environ = {"PATH": os.defpath, "PYTHONHASHSEED": "0"}
    try:
        # `-m` imports from the current folder, so that is one without modules
        subprocess.run(
            [program, *words],
            env=environ,
            cwd=os.path.dirname(program),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise machine_error(error, program, "run") from error


def _replace(path: str, name: str, texts: tuple[str, ...], final: str) -> None:
    with open(path, "rb") as stream:
        content = stream.read()
    for old, new in zip(texts[::2], texts[1::2], strict=True):
        if old.encode() not in content:
            raise _unexpected(f"`{name}` doesn't contain `{old}`, which the recipe replaces")
        content = content.replace(old.encode(), new.replace("{tree}", final).encode())
    with open(path, "wb") as stream:
        stream.write(content)


def _unexpected(cause: str) -> IntegrityError:
    return IntegrityError(
        "archive/wrong-layout",
        "a downloaded package doesn't have the files that its recipe expects",
        causes=[cause],
        help=["devboot lock --update NAME   # NAME as in devboot.toml", "devboot explain archive/wrong-layout"],
    )
