"""A service of a compose file."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from devboot.onboarding.proposal_values import Evidence

_SHELL = re.compile(r"""^(?:/bin/)?(?:ba)?sh\s+-l?c\s+(["'])((?:\\.|(?!\1)[^\\])*)\1$""", re.DOTALL)
_FOR_DEVELOPMENT = re.compile(r"dev|local|default|^all$|full|^app$|web", re.IGNORECASE)


class Mount(NamedTuple):
    """What a container mounts: a path beside the compose file or the name of a volume, and the container's path.

    `there` is "" for a volume without a name, whose path `here` is then.
    """

    here: str
    there: str


@dataclass(frozen=True, slots=True)
class Container:
    """A service of a compose file.

    `command` is the command that finally runs, `before` the commands that its entrypoint runs first, with their
    places.
    """

    name: str
    image: str
    is_built: bool
    command: str
    environment: dict[str, str]
    env_files: tuple[str, ...]
    path: str
    line: int
    recipe: str | None = None
    mounts: tuple[Mount, ...] = ()
    folder: str = ""
    ports: tuple[str, ...] = ()
    copies: int = 1
    entrypoint: tuple[str, ...] | None = None
    dockerfile: str = ""
    context: str = ""
    target: str = ""
    before: tuple[tuple[str, Evidence], ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    known_files: tuple[str, ...] = ()  # a server's env files that exist in the clone

    @property
    def version(self) -> str:
        """The version in the image's tag; "" if it has none."""
        tag = self._short.partition(":")[2]
        match = re.search(r"(?:^|-)(?:v|pg)?(\d+(?:\.\d+)*)(?!\w)", tag)
        return match[1] if match else ""

    @property
    def product(self) -> str:
        """The last part of the image's name."""
        return self._short.partition(":")[0]

    @property
    def _short(self) -> str:
        return self.image.partition("@")[0].rpartition("/")[2]

    @property
    def evidence(self) -> Evidence:
        """The place of the service in its file."""
        return Evidence(self.path, self.line)

    def beside(self, path: str) -> str:
        """Return the clone's path for a path relative to the compose file."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(self.path), path))

    @property
    def mounts_all(self) -> bool:
        """True if the container mounts the folder of the compose file, so that it runs the clone's code."""
        return any(mount.here in (".", "./") for mount in self.mounts)

    @property
    def is_optional(self) -> bool:
        """True if compose starts the container only with a profile that isn't for development."""
        profiles = texts(self.values.get("profiles"))
        return bool(profiles) and not any(_FOR_DEVELOPMENT.search(each) for each in profiles)

    @property
    def hosts(self) -> set[str]:
        """The host names under which other containers reach the container."""
        found = {self.name, *texts(self.values.get("container_name")), *texts(self.values.get("hostname"))}
        networks = self.values.get("networks")
        for network in networks.values() if isinstance(networks, dict) else ():
            found.update(texts(network.get("aliases")) if isinstance(network, dict) else ())
        return found


def texts(given: object) -> list[str]:
    """Return a text, or a list of texts and tables, as a list of texts in compose's short form."""
    if isinstance(given, str):
        return [given]
    found: list[str] = []
    for item in given if isinstance(given, list) else []:
        if isinstance(item, dict):
            outer = item.get("path") or item.get("published") or item.get("source")
            inner = item.get("target")
            found += [":".join(str(part) for part in (outer, inner) if part)] if outer or inner else []
        elif isinstance(item, str):
            found.append(item)
    return found


def mounts_of(given: object) -> tuple[Mount, ...]:
    """Return the mounts in the key `volumes`, without their options."""
    parts = (text.split(":") for text in texts(given))
    return tuple(Mount(here, rest[0] if rest else "") for here, *rest in parts)


def words_of(given: object) -> list[str]:
    """Return the words of a command, which is a text or a list."""
    if isinstance(given, list):
        return [str(part) for part in given]
    try:
        return shlex.split(str(given))
    except ValueError:
        return str(given).split()


def without_shell(text: str) -> str:
    """Return the command of `sh -c '…'`; other commands unchanged."""
    shell = _SHELL.match(text)
    return shell[2] if shell else text
