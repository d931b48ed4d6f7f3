"""Development servers of front ends: how a script of package.json starts one, and how it is told its port."""

from __future__ import annotations

import re
from typing import NamedTuple

_BEFORE = r"(?:^|[\s/;&\"'])"
_AFTER = r"(?=[\s;&\"']|$)"
# A script that starts several programs: none of them gets what stands behind the script's name
_SEVERAL = re.compile(r"\b(?:concurrently|npm-run-all|run-p|run-s|turbo|lerna|nx)\b|(?<!&)&(?!&)|\|\||\|")
_PORT = re.compile(r"(?:--port[= ]|\s-p[= ]?|\bPORT=)(\d{2,5})\b")


class DevServer(NamedTuple):
    """A development server of pages.

    `starts` finds it in a script. `options` tell it port and address; without any it reads PORT, and HOST if it takes
    that. `port` is where it listens unless it is told. `needs` is a file without which it serves assets and no pages.
    """

    name: str
    starts: re.Pattern[str]
    options: str
    port: int
    needs: str = ""


def _server(name: str, pattern: str, options: str, port: int, needs: str = "") -> DevServer:
    return DevServer(name, re.compile(rf"{_BEFORE}(?:{pattern}){_AFTER}"), options, port, needs)


_VITE = r"vite(?:\s+(?:dev|serve))?(?!\s+(?:build|preview|optimize|\w+:))"
_USUAL = "--port $PORT --host 127.0.0.1"
DEV_SERVERS = (
    _server("astro", r"astro\s+dev", _USUAL, 4321),
    _server("react-router", r"react-router\s+dev|remix\s+vite:dev", _USUAL, 5173),
    _server("vite", _VITE, f"{_USUAL} --strictPort", 5173, "index.html"),
    _server("next", r"next\s+dev|next(?=\s*$)", "-p $PORT -H 127.0.0.1", 3000),
    _server("react-scripts", r"(?:react-scripts|craco|react-app-rewired)\s+start", "", 3000),
    _server("vue-cli", r"vue-cli-service\s+serve", _USUAL, 8080),
    _server("angular", r"ng\s+serve|ng\s+s", _USUAL, 4200),
    _server("nuxt", r"(?:nuxt|nuxi)(?:\s+dev)?(?!\s+(?:build|generate|start|preview|prepare))", "", 3000),
    _server("gatsby", r"gatsby\s+develop", "-p $PORT -H 127.0.0.1", 8000),
    _server("webpack", r"webpack(?:-cli)?\s+serve|webpack-dev-server", _USUAL, 8080, "index.html"),
    _server("rsbuild", r"rsbuild\s+dev|rspack\s+(?:serve|dev)", _USUAL, 3000),
    _server("parcel", r"parcel(?:\s+serve)?(?!\s+(?:build|watch))\s+\S*\.(?:html|pug)", _USUAL, 1234),
    _server("quasar", r"quasar\s+dev", "-p $PORT -H 127.0.0.1", 9000),
    _server("ember", r"ember\s+(?:serve|s|server)", _USUAL, 4200),
    _server("expo", r"expo\s+start\s+--web", "--port $PORT", 8081),
)  # fmt: skip


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
        server = next((each for each in DEV_SERVERS if each.starts.search(text)), None)
        if server is not None:
            named = _PORT.search(text)
            return Started(name, server, int(named[1]) if named else 0, _SEVERAL.search(text) is None)
    return None
