"""Development servers of front ends: how a script of package.json starts one, and how it is told its port."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from devboot.onboarding.tables import load_table

_BEFORE = r"(?:^|[\s/;&\"'])"
_AFTER = r"(?=[\s;&\"']|$)"
# A script that starts several programs: none of them gets what stands behind the script's name
_SEVERAL = re.compile(r"\b(?:concurrently|npm-run-all|run-p|run-s|turbo|lerna|nx)\b|(?<!&)&(?!&)|\|\||\|")
_PORT = re.compile(r"(?:--port[= ]|\s-p[= ]?|\bPORT=)(\d{2,5})\b")


class DevServer(NamedTuple):
    """A development server of pages; `dev_servers.toml` says what each field means."""

    name: str
    starts: re.Pattern[str]
    options: str
    port: int
    needs: str = ""


@functools.cache
def dev_servers() -> tuple[DevServer, ...]:
    """Return the servers of the table `dev_servers.toml`, in its order."""
    return tuple(
        DevServer(
            name,
            re.compile(rf"{_BEFORE}(?:{row['starts']}){_AFTER}"),
            row.get("options", ""),
            row["port"],
            row.get("needs", ""),
        )
        for name, row in load_table("dev_servers").items()
    )


class Started(NamedTuple):
    """A script that starts a server: `port` is the one that the script itself names, 0 for none."""

    script: str
    server: DevServer
    port: int
    is_alone: bool  # whether it starts nothing else, so that options behind it reach the server


def started_by(scripts: object) -> Started | None:
    """Find the script of a package.json that starts a development server: `dev`, `serve`, `start` in this order."""
    if not isinstance(scripts, dict):
        return None
    for name in ("dev", "develop", "serve", "start"):
        text = scripts.get(name)
        if not isinstance(text, str):
            continue
        server = next((each for each in dev_servers() if each.starts.search(text)), None)
        if server is not None:
            named = _PORT.search(text)
            return Started(name, server, int(named[1]) if named else 0, _SEVERAL.search(text) is None)
    return None
