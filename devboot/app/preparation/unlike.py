"""What a folder is in which nothing looks like an application that devboot knows."""

from __future__ import annotations

import os
import re

from devboot.errors import ManifestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devboot.app.preparation.loading import Loaded

_LANGUAGES = {
    "Gemfile": "Ruby",
    "go.mod": "Go",
    "Cargo.toml": "Rust",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Kotlin",
    "composer.json": "PHP",
    "mix.exs": "Elixir",
    "package.json": "Node",
}
_TEMPLATES = {"cookiecutter.json": "cookiecutter", "copier.yml": "copier copy", "copier.yaml": "copier copy"}


def what_else(folder: str) -> tuple[list[str], list[str]]:
    """Give causes and help for `manifest/not-found`, by the files in a folder."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        names = set()
    for name, program in _TEMPLATES.items():
        if name in names:
            target = " ." if program == "cookiecutter" else " . ../PROJECT"
            return (
                [f"`{name}` says that projects are made from this one; it runs nothing by itself"],
                [f"`uvx {program}{target}`, then `devboot up` in the project that it makes"],
            )
    for name, language in _LANGUAGES.items():
        if name in names:
            return (
                [f"`{name}` says that this is {language}, and nothing says what should run"],
                ["write what should run into a file `Procfile`: `web: COMMAND`"],
            )
    return [], ["`devboot init --example` writes a small project to start from"]


def refuse_idle(loaded: Loaded) -> None:
    """Refuse to start a detected project in which nothing would run: "is up" would be no use to anybody.

    Raises ManifestError `manifest/nothing-to-run`.
    """
    names = loaded.procfile.names if loaded.procfile is not None else ()
    if loaded.project.written or loaded.manifest.processes or names:
        return
    notes = [text for text, warns in loaded.notes if warns and text.startswith("nothing in the clone")]
    commands = re.findall(r"`((?:cd [^`]*)?devboot run [^`]*)`", " ".join(notes))
    raise ManifestError(
        "manifest/nothing-to-run",
        "nothing in this clone is shown to keep running",
        causes=["no Procfile, web application, worker or start command was found; it may be a library or a program"],
        help=[
            *(f"{command}   # runs its program" for command in commands[:1]),
            "echo 'web: COMMAND' >> Procfile   # with the command that should keep running, then `devboot up -d`",
        ],
        kept=["nothing was installed or started; `devboot sync` makes the virtualenv alone"],
    )
