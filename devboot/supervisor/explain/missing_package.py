"""The command that adds the package of a module to the project's list of packages."""

from __future__ import annotations

from devboot.supervisor.explain.append_command import append_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# How the tools add a package to files that are theirs
_TOOLS = {
    "uv.lock": "uv add",
    "pyproject.toml": "uv add",
    "poetry.lock": "poetry add",
    "pdm.lock": "pdm add",
    "Pipfile": "pipenv install",
    "Pipfile.lock": "pipenv install",
}


def adding_command(module: str, packages: Sequence[str], *, is_distribution: bool = False) -> str:
    """Return the command for the folder of the project; "" where nothing is known of its list, or nothing to paste.

    `is_distribution`: `module` is what is to be installed, with extras, rather than what is imported.
    `packages`: the project's root, its list below that ("" where it has none), and what the list would have to hold.
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
