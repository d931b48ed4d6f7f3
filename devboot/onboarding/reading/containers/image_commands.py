"""Converts commands of images (a Dockerfile's CMD, paths in the image) to commands of the clone."""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from devboot.clone_reader import parse_json
from devboot.onboarding.proposal_values import Evidence, Variable
from devboot.onboarding.reading.containers.container import Container, without_shell, words_of
from devboot.onboarding.reading.containers.shell_scripts import Script, read_script
from devboot.onboarding.reading.tree import Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.onboarding.reading.layout import Application

_LONGEST, _MOST = 64 * 1024, 500  # characters and instructions of a Dockerfile that are read
_LINE = re.compile(r"(?im)^[ \t]*(FROM|WORKDIR|COPY|ADD|CMD|ENTRYPOINT)[ \t]+((?:[^\n\\]|\\\n|\\.)*)")
_RUNNER = re.compile(
    r"^(?:(?:uv|poetry|pipenv|pdm|hatch|rye)\s+run\s+(?:--\S+\s+)*|exec\s+|dumb-init\s+(?:--\s+)?|tini\s+--\s+)+"
)
PROGRAM_FOLDER = re.compile(r"^(?:/usr(?:/local)?/bin|/bin|(?:/[\w.-]+)*/\.?venv/bin)/(?=\S)")
_SCRIPT = re.compile(r"^python[\d.]*\s+(?:-u\s+)?(?:-m\s+([\w.]+)|([\w./-]+\.py))(?=\s|$)")
_SERVER = re.compile(
    r"^(?:python[\d.]*\s+-m\s+)?(?:uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve|sanic)\s"
    r"[^&|;]*?(?<![\w./:=-])([A-Za-z_][\w.]*):([A-Za-z_]\w*)"
)
_STREAMLIT = re.compile(r"^(?:python[\d.]*\s+-m\s+)?(?:streamlit\s+run|chainlit\s+run)\s+([\w./-]+\.py)")
_STARTERS = re.compile(r"(?:Dockerfile(?:[.-]\w+)?|Procfile(?:\.dev)?|(?:docker-)?compose[\w.-]*\.ya?ml|\.flaskenv)$")
_NAMED = re.compile(
    r"(?:uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve)\b[^\n]*?(?<![\w./:=-])([A-Za-z_][\w.]*):([A-Za-z_]\w*)"
    r"|(?:FLASK_APP[ =]+|flask\s+(?:--app|-A)[ =])[\"']?([A-Za-z_][\w./]*?)(?:\.py)?(?::(\w+))?(?=[\s\"']|$)"
)
_SHELL_PROGRAM = re.compile(r"^(?:/usr)?(?:/bin/)?(?:env\s+)?(?:ba|da)?sh$")
_ABSOLUTE = re.compile(r"(?<![\w.:/=@-])/[\w.-]+(?:/[\w.-]+)+")
ALL_ADDRESSES = re.compile(
    r"(?<![\d.])0\.0\.0\.0(?![\d.])"
)  # only a container's own; on this machine the whole network's
_PRESERVE = re.compile(r"^[./]*$")
_VERSION = "PYTHON_VERSION"
_PYTHON_IMAGE = re.compile(r"(?im)^FROM\s+(?:--\S+\s+)*(?:docker\.io/)?(?:library/)?python:(\d+(?:\.\d+)*)")
_INSISTS = re.compile(r"\benviron\s*\[\s*[\"']PYTHON_VERSION[\"']\s*\](?!\s*=[^=])")


@dataclass(frozen=True, slots=True)
class Place:
    """A path `there` in an image, and the path `here` of the clone that was copied or mounted there."""

    there: str
    here: str


@dataclass(frozen=True, slots=True)
class Image:
    """The built stage of a Dockerfile: its working folder, the clone's files in it, its start commands by line.

    `base` is the image in its FROM, or in that of the stage from which it is derived.
    """

    path: str
    folder: str
    places: tuple[Place, ...]
    starts: tuple[tuple[int, str], ...]
    lines: tuple[tuple[int, str, str], ...]  # ENTRYPOINT and CMD as written
    base: str


def image_command(tree: Tree, app: Application) -> tuple[str, Evidence] | None:
    """Return (command, place) of the clone's program that its Dockerfile starts, to be run in the application's folder.

    None if the Dockerfile starts no program of the clone.
    """
    for image in images(tree, app.root):
        for line, text in image.starts:
            command = led_back(tree, text, image.places, image.folder, app.folder)
            if command is not None:
                return command, Evidence(image.path, line)
            script = _script_of(tree, image, text)
            for number, inner in script.last if script is not None else ():
                command = led_back(tree, inner, image.places, image.folder, app.folder)
                if script is not None and command is not None:
                    return command, Evidence(script.path, number)
    return None


def entry_script(tree: Tree, app: Application) -> Script | None:
    """Return the shell script of the clone that its Dockerfile runs at the container's start; None if there is none."""
    found = (_script_of(tree, image, text) for image in images(tree, app.root) for _, text in image.starts)
    return next((script for script in found if script is not None), None)


def _script_of(tree: Tree, image: Image, start: str) -> Script | None:
    """Read the shell script that a start command runs, with the image's arguments in place of `"$@"`."""
    return script_of(tree, _plain(start), image.places, image.folder)


def script_of(tree: Tree, command: str, places: Iterable[Place], folder: str) -> Script | None:
    """Read the clone's shell script that an image's command runs; `folder` is the image's working folder."""
    words = _words(command)
    words = words[1:] if words and _SHELL_PROGRAM.match(words[0]) else words
    if not words or words[0].startswith("-"):
        return None
    return read_script(tree, path_here(tree, posixpath.join(folder, words[0]), places, "."), words[1:])


def container_command(tree: Tree, container: Container, start: str) -> str:
    """Return a container's command with absolute paths replaced by the clone's, relative to the folder `start`."""
    return _with_paths(tree, container.command, places_of(tree, container), start)


def program_of(tree: Tree, container: Container, app_folder: str) -> str | None:
    """Return the clone's program that a container runs, as a command in `app_folder`; None for other programs."""
    return led_back(tree, container.command, places_of(tree, container), folder_of(tree, container), app_folder)


def folder_of(tree: Tree, container: Container) -> str:
    """Return a container's working folder: its own, the image's, or the folder where the code is mounted."""
    image = image_of(tree, container)
    inner = image.folder if image is not None else "/"
    mounted = (mount.there for mount in container.mounts if mount.here in (".", "./"))
    return container.folder or (inner if inner != "/" else next(mounted, inner))


def places_of(tree: Tree, container: Container) -> tuple[Place, ...]:
    """Return the places of the clone's files in a container, mounted or copied into its image; inner ones first."""
    mounted = [
        Place(there.rstrip("/") or "/", container.beside(here))
        for here, there in container.mounts
        if here.startswith(".") and there
    ]
    image = image_of(tree, container)
    return _inner_first((*mounted, *(image.places if image else ())))


def _inner_first(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda place: -len(place.there)))


def image_of(tree: Tree, container: Container) -> Image | None:
    """Return the image that a container builds from the clone; None if it builds none."""
    if not container.dockerfile:
        return None
    text = tree.text(container.dockerfile) if tree.exists(container.dockerfile) else None
    return None if text is None else _read(container.dockerfile, text, container.context, container.target)


def _with_paths(tree: Tree, command: str, places: Iterable[Place], start: str) -> str:
    return _ABSOLUTE.sub(lambda match: path_here(tree, match[0], places, start) or match[0], command)


def named_modules(tree: Tree) -> list[tuple[str, str]]:
    """Return (module, name or "") of each application that a start file of the clone passes to a server."""
    paths = [path for path in tree.files() if path.count("/") <= 1 and _STARTERS.match(posixpath.basename(path))]
    return [
        (match[1] or match[3].replace("/", "."), match[2] or match[4] or "")
        for path in sorted(paths, key=lambda path: (path.count("/"), path))
        for match in _NAMED.finditer(tree.text(path) or "")
    ]


def images(tree: Tree, root: str) -> Iterator[Image]:
    """Yield the images of the Dockerfiles in a folder and its `docker/`, that with the shortest name first."""
    for folder in (root, posixpath.normpath(posixpath.join(root, "docker"))):
        names = [name for name in tree.in_folder(folder) if re.match(r"Dockerfile(?:[.-]\w+)?$", name)]
        for name in sorted(names, key=len):
            if not re.search(r"test|jupyter|base", name):
                path = posixpath.normpath(posixpath.join(folder, name))
                yield _read(path, tree.text(path) or "", root)


def _read(path: str, text: str, root: str, target: str = "") -> Image:
    """Parse a Dockerfile up to the stage `target`, by default the last."""
    folder = "/"
    places: list[Place] = []
    starts: list[tuple[int, str, str]] = []
    stage = base = ""
    bases: dict[str, str] = {}  # by stage
    for match in itertools.islice(_LINE.finditer(text[:_LONGEST]), _MOST):
        word, value = match[1].upper(), match[2].replace("\\\n", " ").strip()
        line = text.count("\n", 0, match.start(1)) + 1
        if word == "FROM":
            if target and stage == target:
                break
            folder, places, starts = "/", [], []
            stage = (re.search(r"(?i)\bas\s+(\S+)\s*$", value) or ["", ""])[1]
            base = next((each for each in value.split() if not each.startswith("--")), "")
            base = bases[stage] = bases.get(base, base)
        elif word == "WORKDIR":
            folder = posixpath.normpath(posixpath.join(folder, value.strip("\"'")))
        elif word in ("COPY", "ADD"):
            places += _copied(value, folder, root)
        else:
            starts.append((line, word, value))
    return Image(path, folder, _inner_first(places), tuple(_started(starts)), tuple(starts), base)


def _copied(value: str, folder: str, root: str) -> Iterator[Place]:
    words = [word for word in _words(value) if not word.startswith("--chown") and not word.startswith("--chmod")]
    if len(words) < 2 or words[0].startswith("--"):
        return
    *sources, target = words
    there = posixpath.normpath(posixpath.join(folder, target))
    for source in sources:
        here = posixpath.normpath(posixpath.join(root, source.lstrip("/") or "."))
        is_inside = target.endswith("/") or len(sources) > 1 or _PRESERVE.match(target)
        is_file = re.search(r"\.\w+$", posixpath.basename(here)) is not None
        yield Place(posixpath.join(there, posixpath.basename(here)) if is_file and is_inside else there, here)


def _words(value: str) -> list[str]:
    words = exec_form(value)
    return words_of(value) if words is None else words


def exec_form(text: str) -> list[str] | None:
    """Return the words of a Dockerfile line in exec form, a list of JSON; None for one in shell form."""
    try:
        listed = parse_json(text) if text.startswith("[") else None
    except ValueError:
        return None
    return [str(word) for word in listed] if isinstance(listed, list) else None


def _started(lines: list[tuple[int, str, str]]) -> Iterator[tuple[int, str]]:
    """Yield (line, command) of possible start commands.

    These are ENTRYPOINT with CMD as arguments, then each instruction alone, last ones first.
    """
    entry = next((each for each in reversed(lines) if each[1] == "ENTRYPOINT" and each[2].startswith("[")), None)
    rest = next((each for each in reversed(lines) if each[1] == "CMD" and each[2].startswith("[")), None)
    if entry is not None and rest is not None:
        yield entry[0], f"{_shell_form(entry[2])} {_shell_form(rest[2])}"
    for line, _, words in reversed(lines):
        yield line, _shell_form(words)


def _shell_form(text: str) -> str:
    words = exec_form(text)
    return text if words is None else shlex.join(words)


def _plain(command: str) -> str:
    """Return a command without shells, runners and program folders at its beginning."""
    text = without_shell(command.strip()).rpartition("&&")[2].strip()  # the earlier commands only prepare
    return PROGRAM_FOLDER.sub("", _RUNNER.sub("", text))


def led_back(tree: Tree, command: str, places: Iterable[Place], folder: str, app_folder: str) -> str | None:
    """Return a container's command with paths replaced by the clone's, to be run in `app_folder`.

    None if it doesn't start a program of the clone. `folder` is the container's working folder.
    """
    text = ALL_ADDRESSES.sub("127.0.0.1", _with_paths(tree, _plain(command), places, app_folder))
    script, server, page = _SCRIPT.match(text), _SERVER.match(text), _STREAMLIT.match(text)
    wanted = script or server or page
    if wanted is None:
        return None
    named = wanted[1] if script is None or script[1] else script[2]
    is_module = server is not None or (script is not None and script[1] is not None)
    inner = named.replace(".", "/") + ".py" if is_module else named
    working = path_here(tree, folder, places, ".") or app_folder
    for each in (inner, inner.removesuffix(".py") + "/__main__.py", inner.removesuffix(".py") + "/__init__.py"):
        found = posixpath.normpath(posixpath.join(working, each))
        if not is_module and tree.exists(found):
            return re.sub(r"^python[\d.]*\s", "python ", text).replace(named, posixpath.relpath(found, app_folder), 1)
        if tree.exists(posixpath.join(app_folder, each)):
            return re.sub(r"^python[\d.]*\s", "python ", text)
    return None


def path_here(tree: Tree, path: str, places: Iterable[Place], start: str) -> str:
    """Return the clone's path for `path` of an image, relative to `start`; "" if there is none."""
    path = posixpath.normpath(path)
    for place in places:
        if path == place.there or path.startswith(f"{place.there.rstrip('/')}/"):
            found = posixpath.normpath(posixpath.join(place.here, posixpath.relpath(path, place.there)))
            if tree.exists(found) or tree.is_folder(found) or found == ".":
                return posixpath.relpath(found, start)
    return ""


def variables_of_image(tree: Tree, root: str) -> dict[str, Variable]:
    """Return PYTHON_VERSION as the official image sets it, if the code fails without it."""
    path = posixpath.normpath(posixpath.join(root, "Dockerfile"))
    text = tree.text(path) or "" if tree.exists(path) else ""
    last = next(reversed(list(_PYTHON_IMAGE.finditer(text))), None)  # the stage that runs
    if last is None or not any(path.endswith(".py") and tree.matches(path, _INSISTS) for path in sorted(tree.read)):
        return {}
    return {_VERSION: Variable(_VERSION, value=last[1], evidence=Evidence.at(path, last))}
