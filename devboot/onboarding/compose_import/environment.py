"""Converts the variables of containers to those of a manifest: `${VAR:-default}`, addresses, env files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from devboot.onboarding.compose_import.addresses import HERE, Addresses, Led, Target
from devboot.onboarding.compose_import.fidelity import APPROXIMATED, NATIVE, NO_EQUIVALENT
from devboot.onboarding.compose_import.places import Entries
from devboot.onboarding.compose_import.programs import Program
from devboot.onboarding.libraries import Kind
from devboot.onboarding.proposal_values import Service, Variable
from devboot.onboarding.reading.containers.compose import INTERPOLATION, interpolated, own_value, variables_of_file
from devboot.onboarding.reading.containers.compose_files import pairs
from devboot.onboarding.reading.dotenv import may_be_secret
from devboot.onboarding.reading.tree import Tree
from devboot.onboarding.tables import is_called

_SECRET = re.compile(r"/run/secrets/([\w.-]+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAMES_VARIABLE = re.compile(r"\$\{?\w")


class Found(NamedTuple):
    """A variable converted from a container's, the containers whose addresses it contains, and the report's verdict."""

    variable: Variable
    targets: tuple[Target, ...]
    verdict: str
    text: str


@dataclass(slots=True)
class Environment:
    """The variables of all programs: `env` for `[env]`, `own` for single processes, `files` the env files to read."""

    env: dict[str, Variable] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)  # by program
    files: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)  # all values
    known: set[str] = field(default_factory=set)  # names that compose or its env files set

    def needs_open(self, kind: Kind, service: Service) -> bool:
        """Return whether the code or values have a service's address but none its password, so that it must be open."""
        mine = [text for text in self.references if f"${{services.{service.name}." in text]
        has_password = r"\.password\}" if kind.asks and not kind.is_in_url else r"\.(?:url|password)\}"
        return (service.is_open or bool(mine)) and not any(re.search(has_password, text) for text in mine)


def environment_of(
    tree: Tree,
    programs: Collection[Program],
    targets: Collection[Target],
    values: Mapping[str, str],
    secrets: Mapping[str, str],
    detected: Mapping[str, Variable],
    into: Entries,
) -> Environment:
    """Return the manifest's variables for these programs, and report on each variable of their containers.

    `values` are those of env files, which show where an address leads; only a reference to a service goes from there
    into the manifest. `secrets` are the files of secrets by name. A detected variable that refers to a service is kept:
    it has the form that the code reads.
    """
    found = Environment()
    values = dict(_addressing(values, targets))
    for program in programs:
        given = pairs(program.raw.get("environment"))
        in_files = dict(_in_files(tree, program, programs, found, into))
        found.known |= {*in_files, *given}
        plain = in_files | {name: own_value(name, str(raw), values) for name, raw in given.items() if raw is not None}
        addresses = Addresses(targets, plain)
        for name, raw in given.items():
            if not _NAME.fullmatch(name):
                into.add(program.container, "environment", NO_EQUIVALENT, "not a variable's name", item=name)
                continue
            if name == "PORT" and program.port is not None:
                into.add(program.container, "environment", NATIVE, f"port = {program.port}", item=name)
                continue
            each = _found(name, raw, plain, addresses, values, secrets)
            known = detected.get(name)
            if each.targets and known is not None and re.search(r"\$\{(?:services|databases)\.", known.value or ""):
                text = f"{_leads_to(each.targets)}, in the form that the code reads"
                each = each._replace(variable=known, text=text, verdict=NATIVE)
            where = program.container.evidence
            variable = each.variable if each.variable.evidence else replace(each.variable, evidence=where)
            is_own = _add(found, program, variable)
            text = each.text or (f"`env` of [processes.{program.name}]" if is_own else "[env]")
            into.add(program.container, "environment", each.verdict, text, item=name)
            for option in _variables_in(raw):
                if f"${{{option.name}}}" in (variable.value or ""):
                    found.env.setdefault(option.name, option)
        _override(program, {name: text for name, text in in_files.items() if name not in given}, addresses, found, into)
    found.references = [each.value or "" for each in found.env.values()]
    found.references += [text for table in found.own.values() for text in table.values()]
    return found


def _override(
    program: Program, in_files: Mapping[str, str], addresses: Addresses, found: Environment, into: Entries
) -> None:
    """Add references to services for the variables of a program's env files that have addresses of containers."""
    for name, text in in_files.items():
        led = addresses.led(name, text)
        if led.targets and may_be_secret("", led.text):
            how = f"its value may be secret: put {HERE} for {_names(led.targets)} into the file"
            into.add(program.container, "env_file", NO_EQUIVALENT, how, item=name)
        elif led.targets:
            _add(found, program, Variable(name, led.text, evidence=program.container.evidence))
            into.add(program.container, "env_file", NATIVE, _leads_to(led.targets), item=name)


def _add(found: Environment, program: Program, variable: Variable) -> bool:
    """Add a variable to `[env]`, or only to the program if `[env]` has another value; return True if to the program."""
    known = found.env.setdefault(variable.name, variable)
    if known.value == variable.value or program.is_task or variable.value is None or variable.from_shell:
        return False
    found.own.setdefault(program.name, {})[variable.name] = variable.value
    return True


def _found(
    name: str,
    raw: object,
    plain: Mapping[str, str],
    addresses: Addresses,
    values: Mapping[str, str],
    secrets: Mapping[str, str],
) -> Found:
    if raw is None:
        return Found(Variable(name, None, from_shell=True), (), NATIVE, "the caller's")
    led = addresses.led(name, plain[name])
    how = NATIVE, ""
    if _NAMES_VARIABLE.search(str(raw)) and led.text != plain[name] and may_be_secret("", led.text):
        how = NO_EQUIVALENT, f"its value may be secret and stays in the env file: put {HERE} for its host there"
        led = Led(plain[name])
    if led.targets:
        verdict, text = NATIVE, _leads_to(led.targets)
        if led.lost:
            verdict, text = NO_EQUIVALENT, f"{_names(led.targets)} stays in Docker, and compose publishes no port of it"
        elif _NAMES_VARIABLE.search(str(raw)):
            verdict, text = APPROXIMATED, f"{text}, with the defaults of its variables"
        return Found(Variable(name, led.text), led.targets, verdict, text)
    secret = _SECRET.fullmatch(plain[name])
    if secret:
        if path := secrets.get(secret[1]):
            return Found(Variable(name, f"${{project.root}}/{path}"), (), APPROXIMATED, f"the file `{path}` itself")
        return Found(Variable(name, plain[name]), (), NO_EQUIVALENT, "no such secret has a file in the clone")
    whole = INTERPOLATION.fullmatch(str(raw))
    if whole and (whole[1] or whole[4]) == name and "+" not in (whole[2] or ""):
        variable = _variable(whole, values)
        said = "" if variable.required else "from the shell or .env, with its default"
        return Found(variable, (), how[0], how[1] or said)
    text = INTERPOLATION.sub(lambda match: "$" if match[0] == "$$" else _reference(match, values), str(raw))
    return Found(Variable(name, led.text if led.text != plain[name] else text), (), *how)


def _addressing(values: Mapping[str, str], targets: Iterable[Target]) -> Iterator[tuple[str, str]]:
    """Yield the values of env files that are addresses, or parts of an address that the manifest refers to."""
    databases = [database for each in targets for database in each.databases]
    known = {host for each in targets for host in each.container.hosts}
    known |= {text for each in databases for text in (each.database, each.user)}
    for name, text in values.items():
        is_part = text in known or (text.isdecimal() and name.upper().endswith("PORT"))
        if "://" in text or (is_part and not is_called("secret", name)):
            yield name, text


def _leads_to(targets: Iterable[Target]) -> str:
    return f"leads to {_names(targets)} on this machine"


def _names(targets: Iterable[Target]) -> str:
    return _listed(each.name for each in targets)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(f"`{each}`" for each in names))


def _reference(match: re.Match[str], values: Mapping[str, str]) -> str:
    if match[2] and "+" in match[2]:
        return interpolated(match[0], values)
    return f"${{{match[1] or match[4]}}}"


def _variable(match: re.Match[str], values: Mapping[str, str]) -> Variable:
    """Return the variable that a reference names: the caller's, with the reference's default, or a required one."""
    name, text = match[1] or match[4], interpolated(match[3] or "", values)
    if "?" in (match[2] or ""):
        return Variable(name, required=True, description=text or "compose requires it")
    return Variable(name, text, from_shell=True)


def _variables_in(raw: object) -> Iterator[Variable]:
    """Yield the variables that a value refers to (`${NAME:-default}`), with their defaults."""
    for match in INTERPOLATION.finditer(str(raw or "")):
        if match[0] != "$$" and "+" not in (match[2] or ""):
            yield _variable(match, {})


def _in_files(
    tree: Tree, program: Program, programs: Collection[Program], found: Environment, into: Entries
) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of the variables in a program's env files, and record the files."""
    container = program.container
    for index, file in enumerate(container.env_files):
        path = container.beside(file)
        if path not in found.files:
            found.files.append(path)
        variables = variables_of_file(tree, container, file)
        is_here = variables is not None
        others = [each.name for each in programs if path not in map(each.container.beside, each.container.env_files)]
        verdict = (NATIVE, "[env-files]") if is_here else (APPROXIMATED, "not in the clone yet")
        if is_here and others:
            verdict = (
                APPROXIMATED,
                f"[env-files], which {_listed(others)} {'gets' if len(others) == 1 else 'get'} as well",
            )
        into.add(container, "env_file", *verdict, item=index)
        yield from (variables or {}).items()
