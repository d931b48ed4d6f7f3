"""Reads the containers of compose files: their commands, variables, ports and hosts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from devboot.onboarding.libraries import known_servers
from devboot.onboarding.reading.containers.compose_files import ComposeFiles, Entry, Unread, pairs
from devboot.onboarding.reading.containers.container import Container, mounts_of, texts, without_shell, words_of
from devboot.onboarding.reading.containers.container_commands import plain_words, started
from devboot.onboarding.reading.dotenv import filled, parse_variables
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.tables import is_called

_OPTION = re.compile(r"\$\{(\w+)(?::?-([^}]{0,1000}))?\}|\$(\w+)")
# A variable in any form: its name, an operator and its text, or the name alone; `$$` is a dollar sign
INTERPOLATION = re.compile(r"\$\$|\$\{(\w+)(?:(:?[-+?])([^${}]*))?\}|\$([A-Za-z_]\w*)")
_MOST_NESTED = 5  # defaults within defaults


@dataclass(frozen=True, slots=True)
class Compose:
    """The containers in the compose files of a folder and of the clone's root."""

    containers: tuple[Container, ...] = ()
    paths: tuple[str, ...] = field(default=())
    documents: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    unread: tuple[Unread, ...] = ()

    def hosts(self) -> set[str]:
        """Return the host names of the containers."""
        found = {name for container in self.containers for name in container.hosts}
        for container in self.containers:
            for each in (*texts(container.values.get("links")), *texts(container.values.get("external_links"))):
                found.add(each.rpartition(":")[2])
        return found

    def of(self, recipe: str) -> Container | None:
        """Return the first container that runs the kind of server `recipe`; None if there is none."""
        return next((c for c in self.containers if c.recipe == recipe), None)

    def variables(self) -> dict[str, str]:
        """Return the variables of containers that run the clone's code; those of earlier containers take precedence."""
        found: dict[str, str] = {}
        for container in self.containers:
            if container.is_built or container.mounts_all:
                for name, value in container.environment.items():
                    found.setdefault(name, value)
        return found

    def filled(self, values: Mapping[str, str]) -> Compose:
        """Return a copy with `${NAME}` in image names replaced, as compose does from an env file."""
        changed = (
            replace(each, image=_filled(str(each.values["image"]), values)) if each.image else each
            for each in self.containers
        )
        return replace(self, containers=tuple(changed))


def read_compose(
    tree: Tree, folders: tuple[str, ...], paths: tuple[str, ...] = (), values: Mapping[str, str] | None = None
) -> Compose:
    """Return the containers in the compose files for development, in `folders` of the clone.

    With `paths` only these files are read, and merged as compose merges them; `values` are the variables that compose
    replaces in all keys but `environment` and `command`.
    """
    files = ComposeFiles(tree, folders, paths)
    containers: dict[str, Container] = {}
    for entry in files.merged_services() if paths else files.services():
        if paths:
            entry = entry._replace(values=_with_values(entry.values, values or {}))  # noqa: PLW2901
        container = _with_files(tree, _container(entry))
        if paths:
            given = {name: own_value(name, text, values or {}) for name, text in container.environment.items()}
            container = replace(container, environment=given)
        known = containers.get(container.name)
        if known is None or (not known.command and container.command):
            containers[container.name] = container
    paths = tuple(path for path, _ in files.tops)
    completed = tuple(_completed(tree, each, containers) for each in containers.values())
    return Compose(completed, paths, tuple(files.tops), tuple(files.unread))


def _completed(tree: Tree, container: Container, others: Mapping[str, Container]) -> Container:
    """Return the container with its final command, and with the build of another container that builds its image."""
    builder = container
    if not container.is_built and container.image:
        builder = next((each for each in others.values() if each.is_built and each.image == container.image), container)
    found = started(tree, replace(container, dockerfile=builder.dockerfile, context=builder.context))
    return replace(
        container,
        command=found.command,
        before=found.before,
        is_built=builder.is_built,
        dockerfile=builder.dockerfile,
        context=builder.context,
    )


def _container(entry: Entry) -> Container:
    values, name = entry.values, entry.name
    image = _filled(values["image"]) if isinstance(values.get("image"), str) else ""
    is_built = values.get("build") is not None
    context, dockerfile, target = _build(values.get("build"), posixpath.dirname(entry.path))
    return Container(
        name=name,
        image=image,
        is_built=is_built,
        command=_command(values.get("command")),
        environment={
            key: _filled(text) for key, text in pairs(values.get("environment")).items() if isinstance(text, str)
        },
        env_files=tuple(map(_filled, texts(values.get("env_file")))),
        path=entry.path,
        line=entry.line,
        recipe=recipe_of(image, name, is_built=is_built),
        mounts=mounts_of([_filled(each) for each in texts(values.get("volumes"))]),
        folder=str(values.get("working_dir") or ""),
        ports=tuple(map(_filled, texts(values.get("ports")))),
        copies=_copies(values),
        entrypoint=tuple(words_of(values["entrypoint"])) if values.get("entrypoint") is not None else None,
        dockerfile=dockerfile,
        context=context,
        target=target,
        values=values,
    )


def _with_files(tree: Tree, container: Container) -> Container:
    """Return a server's container with the variables of its env files added; programs of the clone read theirs."""
    if container.recipe is None or container.is_built:
        return container
    given = {file: variables_of_file(tree, container, file) for file in container.env_files}
    found = {name: text for variables in given.values() for name, text in (variables or {}).items()}
    known = tuple(file for file, variables in given.items() if variables is not None)
    return replace(container, environment={**found, **container.environment}, known_files=known)


def variables_of_file(tree: Tree, container: Container, file: str) -> dict[str, str] | None:
    """Return the variables in an env file of a container; None if the clone lacks the file."""
    path = container.beside(file)
    text = tree.text(path) if tree.exists(path) else None
    return None if text is None else {name: each.shareable for name, each in parse_variables(text, path).items()}


def _build(given: object, beside: str) -> tuple[str, str, str]:
    """Return build context, Dockerfile and target stage of the key `build`, as paths of the clone; "" for no build."""
    if given is None:
        return "", "", ""
    words = given if isinstance(given, dict) else {"context": given}
    context = posixpath.normpath(posixpath.join(beside, _filled(str(words.get("context") or "."))))
    file = posixpath.normpath(posixpath.join(context, _filled(str(words.get("dockerfile") or "Dockerfile"))))
    return context, file, str(words.get("target") or "")


def _copies(values: Mapping[str, Any]) -> int:
    deploy = values.get("deploy")
    given = values.get("scale") or (deploy.get("replicas") if isinstance(deploy, dict) else None)
    text = _filled(given) if isinstance(given, str) else ""
    return int(text) if re.fullmatch(r"[1-9]\d{0,3}", text) else 1


def recipe_of(image: str, name: str, *, is_built: bool) -> str | None:
    """Return the kind of server that a container runs; None if it isn't a known server."""
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
        return plain_words([str(part) for part in given])
    return " ".join(without_shell(given.strip()).split()) if isinstance(given, str) else ""


def _with_values(service: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """Return a service's keys with `${NAME}` replaced, except in keys whose texts the process itself expands."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [replaced(inner) for inner in value]
        return interpolated(value, values) if isinstance(value, str) else value

    return {key: value if key in ("environment", "command") else replaced(value) for key, value in service.items()}


def own_value(name: str, text: str, values: Mapping[str, str]) -> str:
    """Return the value of a container's variable; variables without a known value stay, and all in a secret one."""
    return interpolated(text, {} if is_called("secret", name) else values, keeps=True)


def interpolated(text: str, values: Mapping[str, str], *, keeps: bool = False) -> str:
    """Return a text with each `${VAR}` replaced by its value or default, as compose does.

    Unknown ones are empty; with `keeps`, they stay.

    References whose values would make the text too long stay.
    """

    def value(match: re.Match[str]) -> str:
        given = values.get(match[1] or match[4] or "", "")
        if match[0] == "$$":
            return match[0]
        if match[2] and "+" in match[2]:
            return match[3] if given else ""
        if given or not match[2] or "-" not in match[2]:
            return given or (f"${{{match[1] or match[4]}}}" if keeps else "")
        return match[3]

    for _ in range(_MOST_NESTED):
        before, text = text, filled(INTERPOLATION, text, value)
        if text == before:
            break
    return text.replace("$$", "$")


def _filled(text: str, values: Mapping[str, str] = MappingProxyType({})) -> str:
    """Replace variables by their values, else by their defaults; references without either stay."""

    def value(match: re.Match[str]) -> str:
        return values.get(match[1] or match[3]) or (match[0] if match[2] is None else match[2])

    return filled(_OPTION, text, value)
