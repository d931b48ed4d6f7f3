"""The page about devboot.toml: an example, and each key that it may have. `write_reference.py` writes it."""

from __future__ import annotations

from pathlib import Path

import recipe_pages

from devboot.model.edge.manifest import probes, tables, variables
from devboot.model.edge.types import Table

EXAMPLE = Path(__file__).with_name("manifest_example.toml")
# Heading and table, as most manifests have them one after the other.
_TABLES: tuple[tuple[str, type[Table]], ...] = (
    ("[project]", tables.Project),
    ("[python]", tables.Python),
    ("[packages.NAME]", tables.Tool),
    ("[services.NAME]", tables.Service),
    ("[databases.NAME]", tables.Database),
    ("[databases.NAME], service = …", tables.ServerDatabase),
    *((f"[env], NAME = {{ {key} = … }}", kind) for key, kind in variables.BRANCHES.items()),
    ("[env-files]", tables.EnvFiles),
    ("[tasks.NAME]", tables.Task),
    ("[procfile]", tables.ProcfileTable),
    ("[processes.NAME]", tables.Process),
    ("[processes.NAME], [tasks.NAME], depends_on = [{ … }]", tables.Dependency),
    ("[processes.NAME], ready or alive", probes.Timings),
    *((f"[processes.NAME], ready = {{ {key} = … }}", kind) for key, kind in probes.PROBES.items()),
    ("[ui]", tables.Ui),
)
_FIRST = """# The manifest

Written by `scripts/write_reference.py` from the definitions that `devboot.toml` is checked against.

Almost everything is optional. `devboot init` writes a starting point, `devboot init --merge` adds what an existing
manifest lacks; `devboot up` picks up your edits and points at the line of any mistake.
[Concepts](concepts.md) says what the tables are for, [services](services.md) what `${…}` stands for; in an editor,
[the schema](editors.md) completes keys.

```toml
"""
_AFTER = """```

## Keys

A key without a default is required. Times are texts such as `"500ms"`, `"30s"`, `"2m"`; globs and folders are
relative to the project.

In `[env]` a variable is a text, or a table that says where it comes from. In `[packages]` a tool is its version, or a
table. `ready` and `alive` have the key of one kind of probe, and may have those that all kinds share.
"""


def manifest() -> str:
    """An example, and every key of devboot.toml."""
    text = _FIRST + EXAMPLE.read_text(encoding="utf-8") + _AFTER
    for heading, table in _TABLES:
        shared = set(probes.Timings.model_fields) if table in probes.PROBES.values() else set()
        text += "\n" + "\n".join(recipe_pages.keys_of(heading, table, shared)) + "\n"
    return text


PAGES = {"docs/manifest.md": manifest}
