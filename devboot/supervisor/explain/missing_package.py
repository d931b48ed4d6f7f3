"""Builds the command that adds the package of a module to the project's requirements."""

from __future__ import annotations

from devboot.supervisor.explain.append_command import append_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Commands that add a package, by the file that the tool maintains
_TOOLS = {
    "uv.lock": "uv add",
    "pyproject.toml": "uv add",
    "poetry.lock": "poetry add",
    "pdm.lock": "pdm add",
    "Pipfile": "pipenv install",
    "Pipfile.lock": "pipenv install",
}


# How projects call modules of their own. Packages of these names on an index are somebody else's
_OWN = (
    *("api", "app", "apps", "backend", "bot", "common", "conf", "config", "configs", "constants", "controllers"),
    *("core", "database", "db", "frontend", "handlers", "helper", "helpers", "lib", "libs", "main", "middleware"),
    *("model", "models", "router", "routers", "routes", "schema", "schemas", "server", "service", "services"),
    *("settings", "src", "task", "tasks", "tests", "util", "utils", "views", "worker", "workers"),
)


def is_own_by_name(module: str) -> bool:
    """Return True if a missing module is probably the project's own, by a name such as `utils`."""
    from devboot.model.distributions import distributions

    return module in _OWN and module not in distributions()


def adding_command(module: str, packages: Sequence[str], *, is_distribution: bool = False) -> str:
    """Return the shell command that adds the package of `module` to the requirements; "" if their format is unknown.

    `is_distribution`: `module` is the name of a package to install rather than of a module to import. `packages` has
    the project's root, its requirements file below it ("" for none), and the lines that a new file needs.
    """
    import os
    import shlex

    from devboot.model.distributions import distributions

    if not packages:
        return ""
    root, listed, *others = packages
    name = module if is_distribution else distributions().get(module, module)
    remark = "" if is_distribution or module in distributions() else "   # if the package is called like the module"
    file = os.path.basename(listed)
    if file in _TOOLS:
        folder = os.path.dirname(listed)
        inside = f"cd {shlex.quote(folder)} && " if folder else ""
        return f"{inside}{_TOOLS[file]} {shlex.quote(name)}{remark}"
    if not listed:
        lines = " ".join(map(shlex.quote, [*others, name]))
        return f"printf '%s\\n' {lines} > requirements.txt{remark}"
    if not listed.endswith((".txt", ".in", ".pip")):
        return ""
    command = append_command(root, listed, [name]) if os.path.lexists(os.path.join(root, listed)) else ""
    return f"{command}{remark}" if command else ""
