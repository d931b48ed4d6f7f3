"""Long explanations of error slugs: one text for each, read from package data."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

# Files with texts for several areas: file name → areas.
FAMILIES = {"text": ("manifest", "lock", "recipe"), "server": ("redis", "valkey")}
_NO_AREA = "other"
_HTTP = re.compile(r"network/http-\d+")


def explanation(slug: str) -> str | None:
    """Return the explanation of a slug: symptom, causes, what to do; None for an unknown slug."""
    return _texts().get("network/http" if _HTTP.fullmatch(slug) else slug)


def known_slugs() -> tuple[str, ...]:
    """Return all slugs with an explanation, sorted."""
    return tuple(sorted(_texts()))


@cache
def _texts() -> dict[str, str]:
    folder = files("devboot.app").joinpath("explanations")
    texts: dict[str, str] = {}
    for entry in folder.iterdir():
        if not entry.name.endswith(".toml"):
            continue
        name = entry.name.removesuffix(".toml")
        for kind, text in tomllib.loads(entry.read_text(encoding="utf-8")).items():
            for area in FAMILIES.get(name, (name,)):
                texts[kind if area == _NO_AREA else f"{area}/{kind}"] = text.strip()
    return texts
