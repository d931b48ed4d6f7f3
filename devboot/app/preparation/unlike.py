"""What a folder is in which nothing looks like an application that devboot knows."""

from __future__ import annotations

import os

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
