"""The pages about recipes: each bundled one, and each key that a recipe may have. `write_reference.py` writes them."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from devboot.model.artifact import PLATFORMS
from devboot.model.edge import artifacts
from devboot.model.edge.recipe import recipe as recipes, source_tables
from devboot.model.edge.types import Table
from devboot.recipes import KnownRecipe, RecipeFolders, bundled_folder

_BY = "Written by `scripts/write_reference.py` from {}."
# Heading and table, as they come in the file; what all sources have in common stands before the kinds.
_TABLES: tuple[tuple[str, type[Table]], ...] = (
    ("[package]", recipes.Package),
    ("[[source]]", source_tables.Origin),
    *((f"[[source]], kind = {kind}", table) for kind, table in source_tables.ORIGINS.items()),
    ("[provides]", recipes.Provides),
    ("[service]", recipes.ServiceTable),
    ("[service.access]", recipes.ServiceAccesses),
    ("[service.access.private], [service.access.open]", recipes.ServiceAccess),
    ("step = { … } of an access", recipes.ServiceStep),
    ("[service.init]", recipes.ServiceInit),
    ("[service.database]", recipes.ServiceDatabase),
    ("[service.settings]", recipes.ServiceSettings),
    ("[service.ready]", recipes.ServiceProbe),
    ("[service.stop]", recipes.ServiceStop),
    ("[[service.failure]]", recipes.ServiceFailure),
    ("[service.quiet]", recipes.ServiceQuiet),
    ("[test]", recipes.RecipeTest),
    ("[test.ask], [test.kept], [test.stranger]", recipes.Exchange),
)
_ROWS: tuple[tuple[str, type[Table]], ...] = (
    ("[[version]]", recipes.Release),
    ("[version.PLATFORM]", artifacts.ArtifactRow),
    ("[[version.PLATFORM.files]]", artifacts.PartRow),
    ("[[version.pin]]", artifacts.PinRow),
)
_WORDS = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "object": "table"}
_LISTS = {"text": "list of texts", "table": "tables", "list of texts": "lists of texts"}


def reference() -> str:
    """Every bundled recipe: where it comes from, for which platforms, and what a project gets."""
    folders = RecipeFolders([bundled_folder()])
    known = [folders.get(name) for name in sorted(os.listdir(bundled_folder()))]
    lines = ["# Recipes", "", _BY.format("`recipes/`"), ""]
    lines += ["How services are used is in [services](../services.md), how a recipe is written in [adding](adding.md)."]
    for title, chosen in (
        ("Services", [each for each in known if each.recipe.service]),
        ("Tools", [each for each in known if not each.recipe.service]),
    ):
        lines += ["", f"## {title}"]
        for each in chosen:
            lines += ["", *_recipe(each)]
    return "\n".join(lines) + "\n"


def schema() -> str:
    """Every key of recipe.toml and of versions.toml."""
    lines = ["# Keys of a recipe", "", _BY.format("the definitions that a recipe is checked against"), ""]
    lines += ["[Adding a recipe](adding.md) says what they are for. A key without a default has to be there."]
    lines += ["", "## recipe.toml"]
    seen: set[str] = set()
    for heading, table in _TABLES:
        skipped = seen if issubclass(table, source_tables.Origin) else set()
        lines += ["", *keys_of(heading, table, skipped)]
        if table is source_tables.Origin:
            seen = set(table.model_fields)
    placeholders = ", ".join(f"`{{{name}}}`" for name in sorted(recipes.PLACEHOLDERS))
    lines += ["", f"Placeholders in texts: {placeholders}, and `{{port_NAME}}` for each of `ports`."]
    lines += ["", "## versions.toml", "", "Written by `devboot recipe update`."]
    for heading, table in _ROWS:
        lines += ["", *keys_of(heading, table, set())]
    return "\n".join(lines) + "\n"


def _recipe(known: KnownRecipe) -> Iterator[str]:
    recipe = known.recipe
    licences = [f"{of} ({version})" if version != "*" else of for version, of in recipe.package.licenses.items()]
    yield f"### {known.name}"
    yield ""
    yield f"{recipe.package.description}. Licence: {', '.join(licences)}."
    yield ""
    yield f"- sources, in this order: {', '.join(map(_source, recipe.source))}"
    yield f"- programs: {_codes(recipe.source[0].programs)}"
    if recipe.service is not None:
        yield from _service(recipe, recipe.service)
    yield ""
    yield from _versions(known)


def _source(origin: Any) -> str:
    name = origin.names[0] if origin.kind == "deb" else getattr(origin, "name", "")
    major = f" for version {origin.major}" if getattr(origin, "major", "") else ""
    by = f" by {origin.publisher}" if getattr(origin, "publisher", None) else ""
    where = {"host": ", only on demand", "build": ", only on demand", "conda": " with `devboot[conda]`"}
    return f"{origin.kind}{f' `{name}`' if name else ''}{major}{by}{where.get(origin.kind, '')}"


def _service(recipe: recipes.Recipe, service: recipes.ServiceTable) -> Iterator[str]:
    ports = [str(service.port), *(f"{number} ({name})" for name, number in service.ports.items())]
    yield f"- port: {', '.join(ports)}, or a free one"
    if recipe.provides.url:
        yield f"- address: `{recipe.provides.url}`"
    for library, variables in recipe.provides.env.items():
        where = "" if library == "*" else f" where {library} is locked"
        yield f"- sets{where}: {_codes(variables)}"
    yield f"- who gets in: {service.access.private.how if service.access else 'anybody on this machine'}"
    settings = service.settings
    if settings.form:
        yield f"- `settings` become `{' '.join(settings.form)}`{_defaults(settings.defaults)}"
    for name, reason in settings.reserved.items():
        yield f"- not `{name}`: {reason}"
    if recipe.package.data_format is None:
        yield "- keeps nothing"
    elif service.reads_older:
        yield "- data: one directory per major version; a newer one goes on with a copy"
    else:
        yield "- data: one directory per major version; `up` prints the commands that move it to a newer one"
    if service.unprivileged:
        yield "- runs as `nobody` where devboot is root"


def _defaults(defaults: Mapping[str, Any]) -> str:
    listed = ", ".join(f"`{name}` = `{' '.join(map(str, words))}`" for name, words in defaults.items())
    return f"; by default {listed}" if listed else ""


def _versions(known: KnownRecipe) -> Iterator[str]:
    if not known.releases:
        yield "Versions are those that the machine's distribution or channel has."
        return
    yield f"| version | {' | '.join(PLATFORMS)} |"
    yield "|---" * (len(PLATFORMS) + 1) + "|"
    for release in known.releases:
        rows = [release.row(platform) for platform in PLATFORMS]
        cells = [f"{row.source} {row.name}" if row else "" for row in rows]
        yield f"| {release.version} | {' | '.join(cells)} |"


def keys_of(heading: str, table: type[Table], skipped: set[str]) -> Iterator[str]:
    """A heading, what the table is, and its keys but for those that are `skipped`."""
    shape = table.model_json_schema()
    required = shape.get("required", ())
    yield f"### `{heading}`"
    yield ""
    yield inspect.cleandoc(table.__doc__ or "")
    yield ""
    yield "| key | value | default | |"
    yield "|---|---|---|---|"
    names = {field.alias or name for name, field in table.model_fields.items() if name in skipped}
    for name, value in shape["properties"].items():
        if name not in names:
            default = "" if name in required else _default(value)
            yield f"| `{name}` | {_words(value)} | {default} | {value.get('description', '').replace('|', '&#124;')} |"


def _words(value: Mapping[str, Any]) -> str:
    """A JSON schema in words."""
    if named := value.get("enum", [value["const"]] if "const" in value else []):
        return _codes(named)
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(_words(each) for each in value["anyOf"] if each.get("type") != "null"))
    kind = value.get("type", "object")  # what refers to another table says no more
    if kind == "array":
        return _LISTS.get(_words(value["items"]), "list")
    kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join(dict.fromkeys(_WORDS[each] for each in kinds))


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    return "none" if default in (None, "", [], {}) or "$ref" in value else f"`{json.dumps(default)}`"


def _codes(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


PAGES = {"docs/recipes/reference.md": reference, "docs/recipes/schema.md": schema}
