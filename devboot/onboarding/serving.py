"""Scripts that serve when they are run, as their text shows."""

from __future__ import annotations

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
