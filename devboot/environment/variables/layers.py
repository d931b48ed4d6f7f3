"""Merges the sources of variables: caller, recipe exports, env files, `[env]`; reads no files.

The result has each variable's source. Precedence, low to high: the caller's environment, exports of recipes, env-files
in their order, `[env]`; `{ from = "shell" }` lets the caller win.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import cast

from devboot.model.composed_variable import ComposedVariable
from devboot.model.edge.manifest.variables import FromShell, Generated, Required, Variable
from devboot.model.interpolation import interpolate, references, resolve_variables
from devboot.record import Record
from devboot.snapshot import DEFAULT, SET

CALLER = "the shell"
GENERATED = "generated"
_TO_FILL_IN = "…"  # stands for a value in commands of messages, which people paste as they are
_LETS_IN = ".password"  # how a reference to the password of a service or database ends
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Layers(Record):
    """The sources of variables that are merged.

    `names` is the scope of `${…}` beside variables (`services.redis.url` → text); `origins` has the place in the
    manifest of each variable of `[env]`; `generated` has a value for each variable to be generated.
    """

    inherited: Mapping[str, str]
    exports: Sequence[ComposedVariable]
    files: Sequence[ComposedVariable]
    manifest: Mapping[str, Variable]
    origins: Mapping[str, str]
    names: Mapping[str, str]
    generated: Mapping[str, str]


class Missing(Record):
    """A required variable without a value; `at` is the place of its placeholder, such as `.env:3`."""

    name: str
    description: str
    at: str = ""


class Composition(Record):
    """The merged variables that devboot sets, sorted by name, and the inherited ones they were computed from.

    `defaults` names those that give way to the caller's environment. `inherited` holds (name, value or None) of every
    variable of the caller that the result depended on.
    """

    variables: tuple[ComposedVariable, ...]
    defaults: frozenset[str]
    missing: tuple[Missing, ...]
    inherited: tuple[tuple[str, str | None], ...]

    def patch(self) -> tuple[tuple[str, str, str], ...]:
        """Return the variables as changes to the caller's environment, in the form of `devboot.snapshot.apply`."""
        return tuple((DEFAULT if v.name in self.defaults else SET, v.name, v.value) for v in self.variables)

    def values(self) -> dict[str, str]:
        """Return the values of all variables, by name."""
        return {variable.name: variable.value for variable in self.variables}


def compose(layers: Layers) -> Composition:
    """Merge the sources of variables. Raises UnknownReference if `${…}` names something without a value."""
    return _Composer(layers).run()


def process_variables(templates: Mapping[str, str], composition: Composition, layers: Layers) -> dict[str, str]:
    """Return the variables of a process' own `env` table (`templates`), with `${…}` replaced."""
    return resolve_variables(dict(templates), _scope(composition, layers)) if templates else {}


def fill_in(template: str, composition: Composition, layers: Layers) -> str:
    """Replace `${…}` in a text of the manifest, as in `ready`, `alive` or `settings`, by the composed values."""
    return interpolate(template, _scope(composition, layers))


def _scope(composition: Composition, layers: Layers) -> Mapping[str, str]:
    """Return all values that `${…}` may name, as a view without copies, since it is needed for each process."""
    return ChainMap(
        cast("dict[str, str]", layers.names), composition.values(), cast("dict[str, str]", layers.inherited)
    )


def is_secret_value(value: str) -> bool:
    """Return whether a value in an env file is to be masked: any but loopback addresses without a password."""
    _scheme, separator, rest = value.partition("://")
    if not separator:
        return True
    authority = rest.partition("/")[0]
    return "@" in authority or not authority.startswith(LOOPBACK)


class _Composer:
    """State of one merge of variables."""

    def __init__(self, layers: Layers) -> None:
        self.layers = layers
        self.composed = {variable.name: variable for variable in (*layers.exports, *layers.files)}
        self.depended: dict[str, str | None] = {}
        self.missing: list[Missing] = []
        self.defaults: set[str] = set()

    def run(self) -> Composition:
        templates: dict[str, str] = {}
        for name, wanted in self.layers.manifest.items():
            if isinstance(wanted, str):
                templates[name] = wanted
            elif isinstance(wanted, Generated):
                self._generated(name, wanted)
            elif isinstance(wanted, Required):
                self._required(name, wanted)
            elif isinstance(wanted, FromShell):
                self._from_shell(name, wanted)
        self._fill_in(templates)
        return Composition(
            tuple(self.composed[name] for name in sorted(self.composed)),
            frozenset(self.defaults),
            tuple(self.missing),
            tuple(sorted(self.depended.items())),
        )

    def _generated(self, name: str, wanted: Generated) -> None:
        # A value that a person gave, in a file or in the shell, beats one that is made up.
        if name in self.composed and self.composed[name].value not in ("", _TO_FILL_IN):
            return
        if given := self._given(name):
            self.composed[name] = ComposedVariable(name, given, CALLER, wanted.is_secret)
        else:
            self.composed[name] = ComposedVariable(name, self.layers.generated[name], GENERATED, wanted.is_secret)

    def _required(self, name: str, wanted: Required) -> None:
        if name in self.composed and self.composed[name].value not in ("", _TO_FILL_IN):
            return
        if given := self._given(name):
            self.composed[name] = ComposedVariable(name, given, CALLER, wanted.is_secret)
        else:
            there = self.composed.pop(name, None)
            at = there.source if there is not None and there.value == _TO_FILL_IN else ""
            self.missing.append(Missing(name, wanted.description or "", at))

    def _from_shell(self, name: str, wanted: FromShell) -> None:
        given = self._given(name)
        if given is not None:
            self.composed[name] = ComposedVariable(name, given, CALLER, wanted.is_secret)
        elif name not in self.composed and wanted.default is not None:
            source = f"{self._origin(name)} (default)"
            self.composed[name] = ComposedVariable(name, wanted.default, source, wanted.is_secret)
            self.defaults.add(name)

    def _fill_in(self, templates: dict[str, str]) -> None:
        lower = {name: variable.value for name, variable in self.composed.items()}
        # A value made from a missing variable isn't an error of its own: only the missing one is reported.
        nothing = {missing.name: "" for missing in self.missing}
        scope = {**self.layers.inherited, **nothing, **lower, **self.layers.names}
        values = resolve_variables(templates, scope)
        hidden = {name for name, variable in self.composed.items() if variable.secret}
        for name, value in values.items():
            named = [reference.name for reference in references(templates[name])]
            for other in named:
                if other not in self.layers.names and other not in lower and other not in templates:
                    self._given(other)
            is_secret = not hidden.isdisjoint(named) or any(other.endswith(_LETS_IN) for other in named)
            self.composed[name] = ComposedVariable(name, value, self._origin(name), is_secret)

    def _given(self, name: str) -> str | None:
        self.depended[name] = self.layers.inherited.get(name)
        return self.depended[name]

    def _origin(self, name: str) -> str:
        return self.layers.origins.get(name, "devboot.toml")
