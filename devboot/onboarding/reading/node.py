"""Detects use of Node: its version, package installation, and the process of a clone with only a package.json."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from devboot.clone_reader import parse_json, table_in
from devboot.errors import shell_word
from devboot.onboarding.proposal_values import Evidence, Note, Package, Process, Task
from devboot.onboarding.reading.tree import Tree, line_of

MAJORS = (20, 22, 24)  # available in the recipe
USUAL = 22
_RUNS = re.compile(
    r"(?:^|[;&|(]\s*|\s|/)(?:npm|npx|yarn|pnpm|node|nodemon|vite|webpack(?:-dev-server)?|next|nuxt|gulp|tsx|ts-node|concurrently)"
    r"(?:\s|$)"
)
_FOLDER = re.compile(r"(?:\bcd|--prefix|--cwd|-C|--dir)[ =]+['\"]?([\w./-]+)")
LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
_PNPM = {"5": "7", "6": "8", "9": "10"}  # version of the lock's format → major version of the pnpm that accepts it
# The word by which npm knows its public registry; locks that were written elsewhere name a mirror or a private one
_OTHER_REGISTRY = re.compile(r'"resolved": "https?://(?![\w.-]*npmjs)[^/"]+/(?:@[\w.-]+/)?[\w.-]+/-/')
_LISTENS = re.compile(r"\.listen\s*\(")
# Development servers that take their port only as an option
_PORT_OPTION = re.compile(r"^(?:vite|astro dev|ng serve|webpack(?:-dev-server| serve)|vue-cli-service serve)\b")


@dataclass(frozen=True, slots=True)
class Node:
    """The Node.js tool and the install tasks that processes on Node.js need; both empty if no process uses it."""

    packages: tuple[Package, ...] = ()
    tasks: tuple[Task, ...] = ()


def find_node(tree: Tree, root: str, commands: Iterable[tuple[str, str, str]]) -> Node:
    """Return Node and the tasks that install npm packages, for the processes that run on Node.

    Args:
        tree: the clone.
        root: the manifest's folder.
        commands: name, folder relative to `root` and command of each process.

    """
    needed: dict[str, list[str]] = {}
    for name, cwd, command in commands:
        if not _RUNS.search(command):
            continue
        inner = _FOLDER.search(command)
        for folder in (posixpath.join(root, cwd, inner[1] if inner else "."), posixpath.join(root, cwd), root):
            path = posixpath.normpath(posixpath.join(folder, "package.json"))
            if tree.exists(path):
                needed.setdefault(path, []).append(name)
                break
    tasks = [_install(tree, root, path, names) for path, names in needed.items() if has_packages(tree, path)]
    version = next(iter(needed), None)
    return Node((_version(tree, version),) if version else (), tuple(tasks))


def only_process(tree: Tree, folder: str) -> list[Process]:
    """Return the process of a clone with only a package.json: its `dev` script, `start`, or a server in `main`."""
    path = posixpath.normpath(posixpath.join(folder, "package.json"))
    package = read_package(tree, path)
    scripts = package.get("scripts")
    known = scripts if isinstance(scripts, dict) else {}
    for name in ("dev", "start"):
        script = known.get(name)
        if isinstance(script, str):
            command = "npm start" if name == "start" else f"npm run {name}"
            option = " -- --port $PORT" if _PORT_OPTION.search(script) else ""
            line = line_of(tree.text(path) or "", rf'"{name}"\s*:')
            return [Process("web", command + option, ".", None, Evidence(path, line))]
    main = package.get("main")
    if isinstance(main, str) and _LISTENS.search(tree.text(posixpath.normpath(posixpath.join(folder, main))) or ""):
        line = line_of(tree.text(path) or "", r'"main"\s*:')
        return [Process("web", f"node {shlex.quote(main)}", ".", None, Evidence(path, line))]
    return []


def left_to_itself(tree: Tree, root: str, commands: Collection[tuple[str, str, str]]) -> Iterator[Note]:
    """Yield notes about front ends in their own folders that no process starts."""
    places = {posixpath.normpath(posixpath.join(root, cwd)) for _, cwd, _ in commands} | {root}
    texts = [command for _, _, command in commands]
    for path in tree.files():
        folder, name = posixpath.split(path)
        if name != "package.json" or "/" in folder or not folder or folder in places or not has_packages(tree, path):
            continue
        scripts = read_package(tree, path).get("scripts")
        script = next((each for each in ("dev", "serve", "start") if isinstance(scripts, dict) and each in scripts), "")
        if script and not any(folder in text for text in texts):
            how = f"`cd {shell_word(folder)} && npm install && npm run {script}`"
            where = Evidence(path, line_of(tree.text(path) or "", rf'"{script}"'))
            yield Note(f"`{folder}` is not started; to start it: {how}", where)
    yield from _unbuilt(tree, root, texts)


def _unbuilt(tree: Tree, root: str, texts: Collection[str]) -> Iterator[Note]:
    """Yield a note about styles and scripts of the application that no command builds."""
    path = posixpath.normpath(posixpath.join(root, "package.json"))
    scripts = read_package(tree, path).get("scripts")
    names = [name for name in scripts if name.startswith("build")] if isinstance(scripts, dict) else []
    if names and has_packages(tree, path) and not any(re.search(r"\b(?:npm|npx|yarn|pnpm|bun)\b", t) for t in texts):
        where = Evidence(path, line_of(tree.text(path) or "", rf'"{re.escape(names[0])}"\s*:'))
        how = f"`npm install && npm run {names[0]}`"
        yield Note(f"styles and scripts may have to be built: {how}", where)


def _install(tree: Tree, root: str, path: str, names: list[str]) -> Task:
    folder = lock_folder(tree, posixpath.dirname(path))
    cwd = posixpath.relpath(folder or ".", root)
    lock = next((each for each in LOCKS if tree.exists(posixpath.join(folder, each))), "package.json")
    run = _installer(tree, folder, lock)
    name = "npm" if cwd == "." else "npm-" + re.sub(r"[^\w-]+", "-", cwd)
    inputs = tuple(posixpath.normpath(posixpath.join(cwd, each)) for each in dict.fromkeys((lock, "package.json")))
    return Task(name, run, cwd, inputs, before=tuple(dict.fromkeys(names)), evidence=Evidence(path))


def lock_folder(tree: Tree, folder: str) -> str:
    """Return the folder in which npm packages are installed: `folder`, or the workspace above that has the lock."""
    here = folder
    while not any(tree.exists(posixpath.join(here, lock)) for lock in LOCKS):
        if here in ("", "."):
            return folder
        here = posixpath.dirname(here)
        if any(tree.exists(posixpath.join(here, lock)) for lock in LOCKS) and not _is_workspace(tree, here):
            return folder
    return here


def _is_workspace(tree: Tree, folder: str) -> bool:
    has_list = "workspaces" in read_package(tree, posixpath.normpath(posixpath.join(folder, "package.json")))
    return has_list or tree.exists(posixpath.join(folder, "pnpm-workspace.yaml"))


def _installer(tree: Tree, folder: str, lock: str) -> str:
    """Return the command that installs a lock (of npm, yarn or pnpm), for the version of the tool that wrote it."""
    if lock == "package.json":
        return "npm install"
    package = read_package(tree, posixpath.normpath(posixpath.join(folder, "package.json")))
    text = tree.text(posixpath.join(folder, lock)) or ""
    if not lock.startswith(("yarn", "pnpm")):
        locked = read_package(tree, posixpath.normpath(posixpath.join(folder, lock))).get("packages")
        # npm on another platform omits packages that it doesn't install, and then `npm ci` rejects the lock
        is_refused = isinstance(locked, dict) and not _is_complete({**locked, "": package})
        run = "npm install --no-save" if is_refused else "npm ci"
        if _OTHER_REGISTRY.search(text) and not tree.exists(posixpath.join(folder, ".npmrc")):
            # A mirror may be gone or out of reach, so the user's own registry comes first; the digests are the lock's
            return f"{run} --replace-registry-host=always || {run}"
        return run
    named = re.match(r"(yarn|pnpm)@(\d+)(\.\d+\.\d+)?", str(package.get("packageManager", "")))
    if lock == "yarn.lock":
        if "__metadata:" not in text:
            return f"npx --yes yarn@1 install --{'frozen' if _names_all(package, text) else 'pure'}-lockfile"
        version = f"{named[2]}{named[3] or ''}" if named and named[1] == "yarn" else "4"
        return f"npx --yes @yarnpkg/cli-dist@{version} install --immutable"
    form = re.search(r"^lockfileVersion:\s*['\"]?(\d+)", text, re.MULTILINE)
    version = _PNPM.get(form[1] if form else "", "10")
    if named and named[1] == "pnpm":
        version = f"{named[2]}{named[3] or ''}"
    return f"npx --yes pnpm@{version} install --{'frozen' if _names_all(package, text) else 'no'}-lockfile"


def _names_all(package: Mapping[str, Any], lock: str) -> bool:
    """Return whether a lock of yarn or pnpm has every package of package.json, as a frozen install requires."""
    named = set(re.findall(r"""^[ \t]*["']?(@?[\w./-]+)(?:["']?:|@)""", lock, re.MULTILINE)) - {"lockfileVersion"}
    asked = _dependencies(package, is_root=True) - table_in(package, "peerDependencies").keys()
    return not named or asked <= named


def _is_complete(packages: Mapping[str, Any]) -> bool:
    """Return whether npm's lock has every dependency of package.json and of the packages in it."""
    return all(
        _has_one(packages, place, name)
        for place, entry in packages.items()
        if isinstance(entry, dict) and not entry.get("link")
        for name in _dependencies(entry, is_root=not place)
    )


def _dependencies(entry: Mapping[str, Any], *, is_root: bool) -> set[str]:
    """Return the packages that an entry of npm's lock requires, without bundled ones."""
    keys = ("dependencies", "optionalDependencies", *(("devDependencies",) if is_root else ()))
    optional = {name for name, meta in table_in(entry, "peerDependenciesMeta").items() if meta == {"optional": True}}
    peers = table_in(entry, "peerDependencies").keys() - optional
    bundled = entry.get("bundleDependencies")
    found = {name for key in keys for name in table_in(entry, key)} | peers
    return found - set(bundled if isinstance(bundled, list) else ())


def _has_one(packages: Collection[str], place: str, name: str) -> bool:
    """Return whether Node would find a package from the folder `place`: there, or in a folder above."""
    while True:
        if f"{place}/node_modules/{name}".lstrip("/") in packages:
            return True
        if not place:
            return False
        place = place.rpartition("/node_modules/")[0] if "/node_modules/" in place else ""


def has_packages(tree: Tree, path: str) -> bool:
    """Return True if a package.json has dependencies."""
    table = read_package(tree, path)
    return any(table.get(key) for key in ("dependencies", "devDependencies", "optionalDependencies", "workspaces"))


def read_package(tree: Tree, path: str) -> dict[str, Any]:
    """Return the content of a package.json; empty if it can't be read."""
    try:
        found = parse_json(tree.text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _version(tree: Tree, path: str) -> Package:
    """Return Node with the major version that the clone requests, if the recipe has it."""
    folder = posixpath.dirname(path)
    for name in (".nvmrc", ".node-version"):
        own = posixpath.normpath(posixpath.join(folder, name))
        text = tree.text(own) or "" if tree.exists(own) else ""
        if re.search(r"\d", text):
            return Package("node", str(_admitted(text)), Evidence(own, 1))
    engines = read_package(tree, path).get("engines")
    wanted = engines.get("node") if isinstance(engines, dict) else None
    if isinstance(wanted, str) and re.search(r"\d", wanted):
        return Package("node", str(_admitted(wanted)), Evidence(path, line_of(tree.text(path) or "", r'"node"\s*:')))
    return Package("node", str(USUAL), None)


def _admitted(text: str) -> int:
    """Return the major version for an npm range: the usual one if admitted, else the nearest admitted or newer one."""
    majors = [int(each) for each in re.findall(r"(?<![.\d])v?(\d+)", text)]
    is_open = ">" in text
    upper = min((int(each) for each in re.findall(r"<\s*v?(\d+)", text)), default=MAJORS[-1] + 1)
    floor = min(majors)
    fitting = [
        each for each in MAJORS if (each >= floor if is_open else each in majors) and each < max(upper, floor + 1)
    ]
    if USUAL in fitting:
        return USUAL
    return fitting[-1] if fitting else next((each for each in MAJORS if each >= floor), MAJORS[-1])
