"""Settings modules that a clone has only as templates: refuses to start without them, or copies the templates."""

from __future__ import annotations

import os
import shlex

from devboot.app.preparation.project.loaded import Loaded
from devboot.clone_reader import read_bytes
from devboot.clone_writer import replace_file
from devboot.errors import ManifestError


def only_template(loaded: Loaded) -> ManifestError:
    """Return the error for a settings module that the clone has only as a template."""
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
    """Copy the templates of settings modules to the names that the code imports."""
    for template, target in loaded.templates:
        root = loaded.project.root
        replace_file(os.path.join(root, target), root, read_bytes(os.path.join(root, template)))
