"""Builds the error for missing required variables: where to set them, and which template in the clone has them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence

from devboot.clone_reader import read_head
from devboot.environment.variables.layers import Missing
from devboot.errors import DevbootError, ManifestError, Place, shell_word
from devboot.files import list_names
from devboot.model.project_files.dotenv import parse_dotenv
from devboot.supervisor.explain.append_command import append_command
from devboot.text.columns import table

# One of these words, and `env` at either end: `.env.example`, `env.sample.local`, `sample.env`, `docker-template.env`
_TEMPLATE = re.compile(r"(?:example|sample|template|dist|default|tpl|tmpl)s?")
_OTHERS = frozenset({"cfg", "conf", "html", "ini", "j2", "js", "json", "md", "py", "sh", "toml", "ts", "yaml", "yml"})
_LARGEST = 1_000_000  # bytes of a template worth reading


def missing_variable(root: str, wanted: Missing, read: Sequence[str], place: Place | None) -> DevbootError:
    """Return the error for a required variable without a value; `read` are the env files of the project at `root`."""
    name, causes = wanted.name, list[str]()
    details = [f"{name}  {wanted.description}"] if wanted.description else []
    target = read[-1] if read else ""
    template = _template_with(root, target, name)
    if wanted.at:
        causes.append(f"in {wanted.at} it is still the placeholder `…`")
        helps = [f"write its value in {wanted.at}"]
    elif not target:
        helps = [f"export {name}=…"]
    elif template and not os.path.lexists(os.path.join(root, target)):
        causes.append(f"`{template}` has it, and there is no `{target}` yet")
        helps = [f"cp {shell_word(template)} {shell_word(target)}  # then set {name} in it"]
    else:
        helps = [append_command(root, target, [f"{name}=…"]) or f"set {name} in {target}"]
    what = f"`{name}` is not set"
    return ManifestError("env/missing", what, place=place, details=details, causes=causes, help=helps)


def missing_variables(root: str, wanted: Sequence[Missing], read: Sequence[str]) -> DevbootError:
    """Return one error for several missing variables of a detected project, whose manifest has no lines to show."""
    target = read[-1] if read else ""
    rest = f", put it in {target}"
    rows = [(each.name, each.description.removesuffix(rest)) for each in wanted]
    has_file = not target or os.path.lexists(os.path.join(root, target))
    found = {each.name: "" if has_file else _template_with(root, target, each.name) for each in wanted}
    template = next(filter(None, found.values()), "")
    copied = [name for name in found if template and found[name] == template]
    unfilled = [each for each in wanted if each.at]
    others = [name for name in found if name not in (*copied, *(each.name for each in unfilled))]
    causes = [f"in {each.at} `{each.name}` is still the placeholder `…`" for each in unfilled]
    helps = [f"write the value in {each.at}" for each in unfilled]
    if copied:
        causes.append(f"`{template}` has {_all_or_some(copied, found)}, and there is no `{target}` yet")
        helps.append(f"cp {shell_word(template)} {shell_word(target)}  # then set {', '.join(copied)} in it")
    if others:
        lines = [f"{name}=…" for name in others]
        command = append_command(root, target, lines) if target else f"export {' '.join(others)}  # with values"
        helps.append(command or f"set {', '.join(others)} in {target}")
    return ManifestError(
        "env/missing", f"{len(rows)} variables are not set", details=table(rows), causes=causes, help=helps
    )


def _all_or_some(some: Sequence[str], all_of_them: Collection[str]) -> str:
    return "them" if len(some) == len(all_of_them) else f"{len(some)} of them"


def _template_with(root: str, target: str, name: str) -> str:
    """Return the env template beside `target`, else at the root, that contains the variable; "" for none."""
    for folder in dict.fromkeys((os.path.dirname(target), "")):
        for template in _templates(root, folder):
            if name in _names(os.path.join(root, template)):
                return template
    return ""


def _templates(root: str, folder: str) -> Iterator[str]:
    names = list_names(os.path.join(root, folder))
    yield from (os.path.join(folder, each) for each in names if is_env_template(each))


def is_env_template(name: str) -> bool:
    """Return whether a file name is that of an env template, as `.env.example`."""
    first, *rest = re.split(r"[._-]+", name.lower().lstrip("."))
    is_of_env = bool(rest) and "env" in (first, rest[-1]) and rest[-1] not in _OTHERS
    return is_of_env and any(map(_TEMPLATE.fullmatch, (first, *rest)))


def _names(path: str) -> frozenset[str]:
    try:
        found = parse_dotenv(read_head(path, _LARGEST), path)
    except (OSError, DevbootError):  # only needed for advice
        return frozenset()
    return frozenset(entry.name for entry in found.entries)
