"""Scripts that serve when they are run, as their text shows."""

from __future__ import annotations

import ast
import re

# By the library with which it does; where several would match, the first counts
SERVING = (
    ("streamlit", re.compile(r"^(?:import streamlit\b|from streamlit import)", re.MULTILINE)),
    ("aiohttp", re.compile(r"\bweb\.run_app\(|^from aiohttp\.web import .*\brun_app\b", re.MULTILINE)),
    ("gradio", re.compile(r"\bgr\.(?:Interface|Blocks|ChatInterface)\(")),
    ("dash", re.compile(r"=\s*(?:dash\.)?Dash\(")),
    ("sanic", re.compile(r"=\s*Sanic\(|^class \w+\(Sanic\)", re.MULTILINE)),
    ("cherrypy", re.compile(r"\bcherrypy\.quickstart\(")),
    (
        "tornado",
        re.compile(r"\bIOLoop\.(?:current|instance)\(|^import tornado\b.*\.listen\(", re.MULTILINE | re.DOTALL),
    ),
    ("bottle", re.compile(r"^\s*(?:bottle\.)?run\([^\n]*\bport\s*=", re.MULTILINE)),
    ("uvicorn", re.compile(r"^\s+uvicorn\.run\(", re.MULTILINE)),
)
# How each is told its port, by which word or in which place, and which one it takes untold
_PORTS: dict[str, tuple[str, str, int | None, int | None]] = {
    "aiohttp": ("run_app", "port", None, 8080),
    "gradio": ("launch", "server_port", None, 7860),
    "dash": ("run", "port", 1, 8050),
    "sanic": ("run", "port", 1, 8000),
    "tornado": ("listen", "port", 0, None),
    "bottle": ("run", "port", 3, 8080),
    "uvicorn": ("uvicorn.run", "port", None, 8000),
}
_RUN_OTHERS = ("asyncio", "subprocess", "anyio", "typer")  # whose `run` starts no server
RUNS = re.compile(r"""^if __name__ == ["']__main__["']|^\w+(?:\.\w+)*\.(?:run|start|\w*polling)\(""", re.MULTILINE)
_PAGE = re.compile(r"\bset_page_config\(|\bst\.(?:title|navigation)\(")


def served_with(text: str) -> tuple[str, re.Match[str] | None]:
    """Give the library with which a script serves, and where that shows; nothing where it serves nothing."""
    for kind, pattern in SERVING:
        match = pattern.search(text)
        if match:
            return kind, match
    return "", None


def is_entry(kind: str, path: str, text: str) -> bool:
    """Whether a module that uses such a library is what is run; below the root that must show."""
    if "/" not in path:
        return True
    if kind == "streamlit":
        return "/pages/" not in path and bool(_PAGE.search(text))
    return path.endswith("/__main__.py") or bool(RUNS.search(text))


def fixed_port(kind: str, module: ast.Module | None) -> int | None:
    """Where a script will listen whatever it is told from outside; None where that doesn't show."""
    call, word, place, usual = _PORTS.get(kind, ("", "", None, None))
    for node in ast.walk(module) if module is not None and call else ():
        if not isinstance(node, ast.Call) or not _is_called(node, call):
            continue
        given = [each.value for each in node.keywords if each.arg in (word, None)]
        given += [each for each in node.args if isinstance(each, ast.Starred)]
        given += node.args[place : place + 1] if place is not None else []
        return _number(given[0]) if given else usual
    return None


def _number(node: ast.expr) -> int | None:
    """The port that an expression is; None for what isn't known, and for 0, which leaves it to the system."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if type(value) is int and 0 < value < 1 << 16 else None


def _is_called(node: ast.Call, name: str) -> bool:
    called = ast.unparse(node.func)
    return f".{called}".endswith(f".{name}") and called.rpartition(".")[0] not in _RUN_OTHERS
