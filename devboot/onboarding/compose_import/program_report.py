"""Reports on the keys of containers that processes and tasks replace."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from devboot.onboarding.compose_import.fidelity import APPROXIMATED, NATIVE, NO_EQUIVALENT
from devboot.onboarding.compose_import.places import Entries
from devboot.onboarding.compose_import.programs import COMPLETED, Program, dependencies, options_of
from devboot.onboarding.compose_import.servers import published_ports
from devboot.onboarding.frameworks.framework import Clone
from devboot.onboarding.reading.containers.container import Container, Mount, texts
from devboot.onboarding.reading.containers.image_commands import folder_of, image_of

# The language of an image, and its version
_IMAGE = re.compile(r"(?:docker\.io/)?(?:library/)?(?:oven/|denoland/)?(python|node|bun|deno):(\d+(?:\.\d+)*)")


def report_program(
    clone: Clone,
    program: Program,
    names: Mapping[str, str],
    servers: Collection[str],
    versions: Mapping[str, str],
    into: Entries,
) -> None:
    """Add verdicts on the keys of a program's container, except for its variables.

    `versions` are the manifest's versions of Python and of tools; "" is the newest Python that the packages take.
    """
    container = program.container
    table = f"[{'tasks' if program.is_task else 'processes'}.{program.name}]"
    for key in ("build", "image"):
        if container.values.get(key) is not None:
            other = _other_version(clone, container, versions)
            text = f"{table} runs the clone's code{other}: {program.command}"
            into.add(container, key, APPROXIMATED if other else NATIVE, text)
    for key in ("command", "entrypoint", "working_dir"):
        if container.values.get(key) is not None:
            text = {"working_dir": f"cwd = {program.cwd}"}.get(key, f"{table} {program.command}")
            into.add(container, key, APPROXIMATED if program.is_moved else NATIVE, text)
    into.add_each(container, "ports", (_of_port(program, port) for port in container.ports))
    into.add_each(container, "volumes", (_of_mount(clone, container, mount) for mount in container.mounts))
    for name, condition in dependencies(container).items():
        into.add(container, "depends_on", *_of_dependency(name, condition, names, servers), item=name)
    for each in options_of(program):
        if container.values.get(each.key) is not None:
            into.add(container, each.key, each.verdict, each.text or f"`{each.ours}`")
    deploy = container.values.get("deploy")
    for key in deploy if isinstance(deploy, dict) else ():
        is_known = key == "replicas"
        text = f"instances = {container.copies}" if is_known else "about machines of a cluster"
        into.add(container, "deploy", NATIVE if is_known else NO_EQUIVALENT, text, item=key)
    for name in texts(container.values.get("profiles")):
        into.add(container, "profiles", APPROXIMATED, f"`{name}` was asked for, so it always starts")
    into.add_rest(container)


def _other_version(clone: Clone, container: Container, versions: Mapping[str, str]) -> str:
    """Return the report's remark on a language whose version differs from the container image's; "" if none does."""
    image = image_of(clone.tree, container)
    found = _IMAGE.match(image.base if image is not None else container.image)
    if found is None:
        return ""
    name, wanted = found.groups()
    known = versions.get(name, wanted)
    parts = min(known.count("."), wanted.count(".")) + 1
    if not known:
        return f", with the newest Python that its packages take instead of {wanted}"
    if re.findall(r"\d+", known)[:parts] != wanted.split(".")[:parts] or known[:1] in "<>!~^":
        return f", with {name} {known} instead of {wanted}"
    return ""


def _of_port(program: Program, port: str) -> tuple[str, str]:
    for inner, outer in published_ports(program.container):
        if not port.partition("/")[0].endswith(f"{outer}:{inner}"):
            continue
        if program.port == int(outer):
            moved = f", which its command has instead of {inner}" if program.is_moved else ""
            return (APPROXIMATED if moved else NATIVE), f"port = {outer}{moved}"
        if program.port == int(inner):
            return APPROXIMATED, f"listens on {inner}, not on {outer}"
        return NO_EQUIVALENT, "a process has one port"
    return APPROXIMATED, "listens on the port that its command has"


def _of_mount(clone: Clone, container: Container, mount: Mount) -> tuple[str, str]:
    here, there = mount
    if not there:
        return NATIVE, "not needed: files stay in the clone"
    if here.startswith("."):
        path = container.beside(here)
        if path == "." or clone.tree.is_folder(path) or clone.tree.exists(path):
            return NATIVE, "runs in the clone"
        return APPROXIMATED, f"`{path}` isn't in the clone yet"
    if here.startswith(("/", "~", "$")):
        return NO_EQUIVALENT, f"`{there}` is a path of the container: here it is `{here}`"
    if f"{there}/".startswith(f"{folder_of(clone.tree, container).rstrip('/')}/"):
        return NATIVE, "not needed: files stay in the clone"
    return APPROXIMATED, f"`{there}` is a folder of this machine"


def _of_dependency(name: str, condition: str, names: Mapping[str, str], servers: Collection[str]) -> tuple[str, str]:
    if name not in names:
        return NO_EQUIVALENT, f"`{name}` isn't in the manifest"
    waits = {"service_healthy": "is ready", COMPLETED: "has ended"}.get(condition, "has started")
    waits = "is ready" if name in servers else waits
    return NATIVE, f"waits until `{names[name]}` {waits}"
