"""What compose files say of services, commands and hosts."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass, field

from devboot.onboarding.libraries import known_servers
from devboot.onboarding.proposal_values import Evidence
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.reading.yaml import parse_yaml

FILES = re.compile(
    r"^(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$|^(?:local|dev|development)\.ya?ml$|^docker-compose[\w.-]*\.ya?ml$"
)
NOT_OURS = re.compile(r"prod|staging|test|ci\b|deploy|swarm|traefik|selenium", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Container:
    """A service of a compose file."""

    name: str
    image: str
    is_built: bool
    command: str
    environment: dict[str, str]
    env_files: tuple[str, ...]
    path: str
    line: int
    recipe: str | None = None
    mounts: tuple[str, ...] = ()
    folder: str = ""
    ports: tuple[str, ...] = ()
    copies: int = 1
    has_check: bool = False

    @property
    def version(self) -> str:
        """The version that the image's tag begins with; empty where it says none."""
        match = re.match(r"v?(\d+(?:\.\d+)*)", self.image.partition("@")[0].rpartition("/")[2].partition(":")[2])
        return match[1] if match else ""

    @property
    def evidence(self) -> Evidence:
        """Where it stands."""
        return Evidence(self.path, self.line)

    @property
    def mounts_all(self) -> bool:
        """Whether it runs the code that lies beside the compose file, whatever its image is."""
        return any(mount.partition(":")[0] in (".", "./") for mount in self.mounts)


@dataclass(frozen=True, slots=True)
class Compose:
    """All containers that the compose files of a folder and of the clone's root name."""

    containers: tuple[Container, ...] = ()
    paths: tuple[str, ...] = field(default=())
    wrong: tuple[Evidence, ...] = ()  # the first line of each file that is no YAML

    def hosts(self) -> set[str]:
        """Names under which containers find each other."""
        return {container.name for container in self.containers}

    def of(self, recipe: str) -> Container | None:
        """The first container that a recipe would stand for."""
        return next((c for c in self.containers if c.recipe == recipe), None)

    def variables(self) -> dict[str, str]:
        """What the containers that hold the clone's code set, those with plain names first."""
        found: dict[str, str] = {}
        for container in self.containers:
            if container.is_built or container.mounts_all:
                for name, value in container.environment.items():
                    found.setdefault(name, value)
        return found


def read_compose(tree: Tree, folders: tuple[str, ...]) -> Compose:
    """Read the compose files that are meant for development."""
    paths: list[str] = []
    for folder in folders:
        for name in tree.in_folder(folder):
            path = posixpath.normpath(posixpath.join(folder, name))
            if FILES.match(name) and not NOT_OURS.search(name) and path not in paths:
                paths.append(path)
    paths.sort(key=len)
    containers: dict[str, Container] = {}
    wrong: list[Evidence] = []
    for path in paths:
        for container in _containers(tree, path, wrong):
            known = containers.get(container.name)
            if known is None or (not known.command and container.command):
                containers[container.name] = container
    return Compose(tuple(containers.values()), tuple(paths), tuple(wrong))


def _containers(tree: Tree, path: str, wrong: list[Evidence]) -> list[Container]:
    text = tree.text(path) or ""
    lines: list[int] = []
    document = parse_yaml(text, lines)
    wrong += [Evidence(path, line) for line in lines]
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict):
        return []
    return [_container(str(name), entry, path, text) for name, entry in services.items() if isinstance(entry, dict)]


def _container(name: str, entry: dict[str, object], path: str, text: str) -> Container:
    image = entry.get("image") if isinstance(entry.get("image"), str) else ""
    is_built = "build" in entry
    match = re.search(rf"^[ \t]+[\"']?{re.escape(name)}[\"']?:", text, re.MULTILINE)
    line = text.count("\n", 0, match.start()) + 1 if match else 0
    volumes = entry.get("volumes")
    return Container(
        name=name,
        image=str(image),
        is_built=is_built,
        command=_command(entry.get("command")),
        environment=_environment(entry.get("environment")),
        env_files=tuple(_texts(entry.get("env_file"))),
        path=path,
        line=line,
        recipe=recipe_of(str(image), name, is_built=is_built),
        mounts=tuple(_texts(volumes)),
        folder=str(entry.get("working_dir") or ""),
        ports=tuple(_texts(entry.get("ports"))),
        copies=_copies(entry),
        has_check=isinstance(entry.get("healthcheck"), dict),
    )


def _copies(entry: dict[str, object]) -> int:
    deploy = entry.get("deploy")
    given = entry.get("scale") or (deploy.get("replicas") if isinstance(deploy, dict) else None)
    return int(given) if isinstance(given, str) and re.fullmatch(r"[1-9]\d{0,3}", given) else 1


def recipe_of(image: str, name: str, *, is_built: bool) -> str | None:
    """The kind of server that a container stands for."""
    last = image.rpartition("/")[2].split(":")[0]
    for text in (last, image.split(":", maxsplit=1)[0], name if is_built or not image else ""):
        for recipe, known in known_servers().items():
            if (
                text
                and known.containers.search(text)
                and not re.search(r"exporter|commander|insight|admin|backup|ui$|sentinel", text)
            ):
                return recipe
    return None


def _command(given: object) -> str:
    if isinstance(given, list):
        words = [str(part) for part in given]
        if len(words) == 1:
            return words[0].strip()
        if len(words) == 3 and words[0].rpartition("/")[2] in ("sh", "bash") and words[1].startswith("-"):
            return words[2].strip()
        return shlex.join(words)
    text = str(given).strip() if isinstance(given, str) else ""
    match = re.match(r"""^(?:/bin/)?(?:ba)?sh\s+-l?c\s+(["'])(.*)\1$""", text, re.DOTALL)
    return " ".join((match[2] if match else text).split())


def _environment(given: object) -> dict[str, str]:
    found: dict[str, str] = {}
    if isinstance(given, dict):
        found = {str(key): str(value) for key, value in given.items() if isinstance(value, str)}
    elif isinstance(given, list):
        for item in given:
            key, mark, value = str(item).partition("=")
            if mark:
                found[key] = value
    return {key: _default(value) for key, value in found.items()}


def _default(value: str) -> str:
    """`${X:-default}` as its default; what has none stays, as nobody knows its value."""
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", value)


def _texts(given: object) -> list[str]:
    if isinstance(given, str):
        return [given]
    found: list[str] = []
    for item in given if isinstance(given, list) else []:
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict) and isinstance(item.get("path"), str):
            found.append(str(item["path"]))
    return found
