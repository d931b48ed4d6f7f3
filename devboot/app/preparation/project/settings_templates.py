"""Modules of settings that a clone has as templates alone: refuses to start without them, or copies them."""

from __future__ import annotations

import os
import shlex

from devboot.app.preparation.project.loaded import Loaded
from devboot.clone_reader import read_bytes
from devboot.clone_writer import replace_file
from devboot.errors import ManifestError


def only_template(loaded: Loaded) -> ManifestError:
    """Return the refusal to start without what the application imports and the clone has as a template alone."""
    template, target = loaded.templates[0]
    copies = " && ".join(f"cp {shlex.quote(one)} {shlex.quote(other)}" for one, other in loaded.templates)
    return ManifestError(
        "manifest/only-template",
        f"`{target}` is needed but not in the clone, only its template `{template}`",
        causes=("the application imports it when it starts",),
        help=(f"{copies} && devboot up -d",),
        kept=("nothing was started or written",),
    )


def copy_templates(loaded: Loaded) -> None:
    """Make the modules out of their templates."""
    for template, target in loaded.templates:
        root = loaded.project.root
        replace_file(os.path.join(root, target), root, read_bytes(os.path.join(root, template)))
