"""Finds the front end of an API, a package.json with a development server, and proposes a process for it."""

from __future__ import annotations

import functools
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from devboot.onboarding.front_ends.backend_calls import LOCAL, Call, calls_of, variables_of
from devboot.onboarding.proposal_values import Evidence, Note, Process, Variable
from devboot.onboarding.reading.layout import ASIDE, Application
from devboot.onboarding.reading.node import LOCKS, has_packages, lock_folder, read_package
from devboot.onboarding.reading.tree import Tree, line_of
from devboot.onboarding.tables import load_table

_BEFORE = r"(?:^|[\s/;&\"'])"
_AFTER = r"(?=[\s;&\"']|$)"
# A script that starts several programs doesn't pass options on to any of them
_SEVERAL = re.compile(r"\b(?:concurrently|npm-run-all|run-p|run-s|turbo|lerna|nx)\b|(?<!&)&(?!&)|\|\||\|")
_PORT = re.compile(r"(?:--port[= ]|\s-p[= ]?|\bPORT=)(\d{2,5})\b")
NAME = "frontend"
RUNS_NODE = re.compile(r"\b(?:npm|npx|yarn|pnpm|bun|node)\b")
_USUAL_FOLDERS = (
    "frontend", "front-end", "front_end", "front", "client", "web", "webapp", "ui", "www", "dashboard", "app",
)  # fmt: skip
_DEEPEST = 2
# Frameworks on top of vite that generate the first page themselves
_MAKES_PAGES = ("@sveltejs/kit", "@solidjs/start", "@tanstack/react-start", "vike", "vite-plugin-ssr", "@remix-run/dev")
_ORIGIN = re.compile(r"http://(?:localhost|127\.0\.0\.1):(\d{2,5})")
_OF_ORIGINS = re.compile(r"CORS|ORIGIN|FRONT_?END|CLIENT_(?:URL|HOST)", re.IGNORECASE)
_NEAR = 300  # characters
_ONE_ORIGIN = re.compile(r"(?:CORS_|ALLOWED_)?ORIGIN$|(?:FRONT_?END|CLIENT)_(?:URL|HOST|ORIGIN|BASE_URL)$")
# Packages whose webpack uses a hash that OpenSSL 3 rejects, and the first version that doesn't
_LEGACY = (("react-scripts", 5), ("@vue/cli-service", 5), ("webpack", 5), ("@angular/cli", 13), ("nuxt", 3))


class FrontEnd(NamedTuple):
    """A front end: its folder, relative to the tree, and the script of package.json that serves its pages."""

    folder: str
    path: str  # its package.json
    started: Started
    package: Mapping[str, object]


class Addition(NamedTuple):
    """The process, fixed ports (process name → port) and notes that a front end adds to a proposed manifest."""

    process: Process
    ports: Mapping[str, int]
    notes: tuple[Note, ...]


def find_front_end(tree: Tree, app: Application) -> FrontEnd | None:
    """Return the front end beside or below an application; None if there is none."""
    found = []
    for path in tree.files():
        folder = posixpath.dirname(path) or "."
        if posixpath.basename(path) != "package.json" or ASIDE.search(path) or not _is_near(folder, app.root):
            continue
        package = read_package(tree, path)
        started = started_by(package.get("scripts"))
        if started is not None and has_packages(tree, path) and _serves_pages(tree, folder, started, package):
            name = posixpath.basename(folder).lower()
            place = _USUAL_FOLDERS.index(name) if name in _USUAL_FOLDERS else len(_USUAL_FOLDERS)
            found.append((place, folder.count("/"), folder, FrontEnd(folder, path, started, package)))
    return min(found)[-1] if found else None


def _is_near(folder: str, root: str) -> bool:
    """Return whether a folder is beside the manifest's folder `root` or not far below it."""
    if root in (".", folder) or folder.startswith(f"{root}/"):
        inner = folder if root == "." else posixpath.relpath(folder, root)
        return folder == root or inner.count("/") < _DEEPEST
    parent = posixpath.dirname(folder)
    return not parent or root.startswith(f"{parent}/")


def _serves_pages(tree: Tree, folder: str, started: Started, package: Mapping[str, object]) -> bool:
    needs = started.server.needs
    if started.server.name == "webpack" and "html-webpack-plugin" in _dependencies(package):
        return True
    if not needs or any(name in _dependencies(package) for name in _MAKES_PAGES):
        return True
    return any(tree.exists(posixpath.join(folder, inner, needs)) for inner in (".", "src", "client", "app", "public"))


def with_root_of_both(tree: Tree, app: Application) -> Application:
    """Return the application with the manifest's folder moved up to contain a front end in a neighbouring folder."""
    front = find_front_end(tree, app) if app.framework else None
    if front is None or app.root in (".", front.folder) or front.folder.startswith(f"{app.root}/"):
        return app
    if any(tree.exists(posixpath.join(app.root, name)) for name in ("Procfile", "Procfile.dev")):
        return app  # the Procfile belongs next to the manifest
    return replace(app, root=posixpath.dirname(front.folder) or ".")


def add_front_end(
    tree: Tree,
    app: Application,
    processes: Sequence[Process],
    commands: Sequence[tuple[str, str, str]],
    texts: Iterable[str],
) -> Addition | None:
    """Return what the front end adds to the proposal; None if there is none, or if a command starts it already.

    Args:
        tree: the clone.
        app: its application.
        processes: the proposed processes.
        commands: name, folder and command of each process, including lines of the Procfile.
        texts: code and settings of the API, for the origins that it allows.

    """
    front = find_front_end(tree, app)
    api = next((name for name, _, _ in commands if name == "web"), commands[0][0] if commands else "")
    is_outside = front is not None and posixpath.relpath(front.folder, app.root).startswith("..")
    if front is None or is_outside or not api or any(RUNS_NODE.search(c) for _, _, c in commands):
        return None
    taken = {name for name, _, _ in commands} | {process.name for process in processes}
    name = NAME if NAME not in taken else f"{NAME}-pages"
    calls = calls_of(tree, front.folder)
    own = {front.started.port, front.started.server.port} - {0}
    port = _admitted_port(front.started, texts)
    environment = {**_quiet(front), **_variables(calls, name, api, own)}
    expected = _expected_port(calls, own | {port})
    command = next(text for each, _, text in commands if each == api)
    notes = [*_without_lock(tree, front), *_of_containers(calls)]
    ports = {}
    if expected and "$PORT" in command:
        ports[api] = expected
    script = front.started.script
    process = Process(
        name,
        _command(front.started),
        posixpath.relpath(front.folder, app.root),
        port or None,
        Evidence(front.path, line_of(tree.text(front.path) or "", rf'"{re.escape(script)}"\s*:')),
        environment,
        f"localhost:${{processes.{name}.port}}" if _is_told(front.started) else "",
    )
    return Addition(process, ports, tuple(notes))


def _is_told(started: Started) -> bool:
    """Return whether devboot can choose the development server's port."""
    return not started.port and (started.is_alone or not started.server.options)


def _command(started: Started) -> str:
    run = "npm start" if started.script == "start" else f"npm run {started.script}"
    if not _is_told(started):
        return run
    return f"{run} -- {started.server.options}" if started.server.options else f"PORT=$PORT {run}"


def _admitted_port(started: Started, texts: Iterable[str]) -> int:
    """Return the port from which the API admits pages (CORS), or the script's own port; 0 for any port."""
    usual = started.port or started.server.port
    if not _is_told(started):
        return usual
    found = Counter[int]()
    for text in texts:
        for match in _ORIGIN.finditer(text):
            if _OF_ORIGINS.search(text, max(0, match.start() - _NEAR), match.end() + _NEAR):
                found[int(match[1])] += 1
    return usual if usual in found else next((port for port, _ in found.most_common(1)), 0)


def _expected_port(calls: Sequence[Call], own: set[int]) -> int:
    """Return the port at which the front end's sources expect the API; 0 if only variables determine it."""
    fixed = [call for call in calls if not call.variable and call.host in LOCAL and call.port not in own]
    proxies = [call for call in fixed if call.is_proxy]
    counted = Counter(call.port for call in proxies or fixed)
    return next((port for port, _ in counted.most_common(1) if port >= 1024), 0)


def _variables(calls: Sequence[Call], name: str, api: str, own: set[int]) -> dict[str, str]:
    """Return the front end's variables with URLs of the API, set to addresses on this machine."""
    found = {}
    known = variables_of(list(calls))
    ports = Counter(call.port for call in known.values() if call.port and call.port not in own)
    main = next((port for port, _ in ports.most_common(1)), 0)
    is_proxied = any(call.is_proxy for call in calls)
    for variable, call in sorted(known.items()):
        scheme, path = call.scheme.replace("https", "http").replace("wss", "ws"), call.path
        if call.port in own:
            found[variable] = f"{scheme}://localhost:${{processes.{name}.port}}{path}"
        elif (call.port == main and call.port) or (not call.port and not is_proxied):
            found[variable] = f"{scheme}://localhost:${{processes.{api}.port}}{path}"
    return found


def _quiet(front: FrontEnd) -> dict[str, str]:
    """Return variables that make a development server open no browser and listen on loopback.

    And one for old webpacks.
    """
    found = {"HOST": "127.0.0.1"} if not front.started.server.options else {}
    if front.started.server.name == "react-scripts":
        found["BROWSER"] = "none"
    dependencies = _dependencies(front.package)
    for name, modern in _LEGACY:
        major = re.search(r"\d+", str(dependencies.get(name, "")))
        if major is not None:
            return {**found, **({"NODE_OPTIONS": "--openssl-legacy-provider"} if int(major[0]) < modern else {})}
    return found


def _dependencies(package: Mapping[str, object]) -> dict[str, object]:
    tables = (package.get(key) for key in ("devDependencies", "dependencies"))
    return {name: version for table in tables if isinstance(table, dict) for name, version in table.items()}


def _without_lock(tree: Tree, front: FrontEnd) -> Iterable[Note]:
    folder = lock_folder(tree, front.folder)
    if not any(tree.exists(posixpath.join(folder, lock)) for lock in LOCKS):
        yield Note(f"`{front.folder}` has no lock: `npm install` installs the newest versions", Evidence(front.path))


def _of_containers(calls: Sequence[Call]) -> Iterable[Note]:
    for call in calls:
        if call.is_proxy and not call.variable and call.host not in LOCAL:
            text = f"the front end's proxy leads to `{call.host}:{call.port}`, a name that only containers have"
            yield Note(text, call.evidence, warns=True)


def with_origins(env: Sequence[Variable], name: str) -> tuple[Variable, ...]:
    """Return `env` with the front end's URL as the value of required variables such as FRONTEND_URL."""
    origin = f"http://localhost:${{processes.{name}.port}}"
    return tuple(
        Variable(each.name, value=origin, evidence=each.evidence)
        if each.required and _ONE_ORIGIN.search(each.name)
        else each
        for each in env
    )


class DevServer(NamedTuple):
    """A development server of a front end; `dev_servers.toml` explains each field."""

    name: str
    starts: re.Pattern[str]
    options: str
    port: int
    needs: str = ""


@functools.cache
def dev_servers() -> tuple[DevServer, ...]:
    """Return the rows of the table `dev_servers.toml`, in order."""
    return tuple(
        DevServer(
            name,
            re.compile(rf"{_BEFORE}(?:{row['starts']}){_AFTER}"),
            row.get("options", ""),
            row["port"],
            row.get("needs", ""),
        )
        for name, row in load_table("dev_servers").items()
    )


class Started(NamedTuple):
    """A script of package.json and the server it starts; `port` is the port in the script, 0 for none."""

    script: str
    server: DevServer
    port: int
    is_alone: bool  # True if it starts nothing else, so that appended options reach the server


def started_by(scripts: object) -> Started | None:
    """Return the first of the scripts `dev`, `serve`, `start` that starts a known development server; None if none."""
    if not isinstance(scripts, dict):
        return None
    for name in ("dev", "develop", "serve", "start"):
        text = scripts.get(name)
        if not isinstance(text, str):
            continue
        server = next((each for each in dev_servers() if each.starts.search(text)), None)
        if server is not None:
            named = _PORT.search(text)
            return Started(name, server, int(named[1]) if named else 0, _SEVERAL.search(text) is None)
    return None
