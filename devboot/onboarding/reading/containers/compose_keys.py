"""The keys of compose files by their meaning here: the table `compose_keys.toml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from devboot.onboarding.tables import load_table

_TABLE = load_table("reading/containers/compose_keys")
READ, TOP_READ = frozenset(_TABLE["read"]["service"]), frozenset(_TABLE["read"]["top"])
NOTED: Mapping[str, str] = _TABLE["noted"]
WITHOUT_MEANING: Mapping[str, str] = {key: row["why"] for row in _TABLE["without_meaning"] for key in row["keys"]}
LOST = frozenset(key for row in _TABLE["without_meaning"] if "lost" in row for key in row["keys"])
NEEDLESS: Mapping[str, str] = _TABLE["needless"]
TOP_WITHOUT_MEANING: Mapping[str, str] = _TABLE["top"]
KEYS = frozenset({*READ, *NOTED, *WITHOUT_MEANING})
TOP_KEYS = frozenset({*TOP_READ, *TOP_WITHOUT_MEANING})


def unknown(keys: Iterable[object], known: Collection[str] = KEYS) -> list[str]:
    """Return the keys that aren't in `known`; those that begin with `x-` are the project's own."""
    return [key for key in map(str, keys) if not key.startswith("x-") and key not in known]
