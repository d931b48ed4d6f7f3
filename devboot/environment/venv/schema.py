"""Writes the manifest's JSON Schema into the virtualenv, where the manifest's line `#:schema` points editors to.

That path can be committed, because it lies in the clone, and git ignores the file with the rest of the virtualenv.
"""

from __future__ import annotations

import os
from contextlib import suppress

import devboot.model.edge
from devboot.clone_reader import read_bytes
from devboot.clone_writer import write_beside_links
from devboot.errors import MachineError

NAME = "devboot.schema.json"


def write_schema(venv: str) -> None:
    """Write devboot.toml's JSON Schema, for editors, into a virtualenv that lacks it; a failed write is ignored."""
    with open(os.path.join(os.path.dirname(devboot.model.edge.__file__), NAME), "rb") as file:
        schema = file.read()
    path = os.path.join(venv, NAME)
    with suppress(OSError):
        if read_bytes(path) == schema:
            return
    with suppress(OSError, MachineError):
        write_beside_links(path, schema, sync=False)
