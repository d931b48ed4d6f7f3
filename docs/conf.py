"""Configuration of Sphinx, which builds the site of these pages: `./devbootw run docs` writes it to `build/docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from devboot import __version__

project = "devboot"
author = "the devboot authors"
project_copyright = f"2026, {author}"
version = release = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 4  # links to headings work as they do on the forge
html_theme = "furo"
html_title = f"devboot {version}"
html_copy_source = False
html_show_sourcelink = False
html_use_index = False

# Pages of the site whose text is that of a file in the repository's root.
_ROOT = Path(__file__).resolve().parents[1]
_ROOT_PAGES = {"contributing": "CONTRIBUTING.md", "reporting": "SECURITY.md", "changelog": "CHANGELOG.md"}


def _fill_in_root_pages(_app, name, source):  # noqa: ANN001, ANN202
    """Put the root's files into their pages, and point all links to them at these pages."""
    if name in _ROOT_PAGES:
        source[0] = (_ROOT / _ROOT_PAGES[name]).read_text(encoding="utf-8").replace("](docs/", "](")
    for page, file in _ROOT_PAGES.items():
        for prefix in ("", "../"):
            source[0] = source[0].replace(f"]({prefix}{file}", f"]({page}.md")


def setup(app):  # noqa: ANN001, ANN201
    """Let Sphinx call this module."""
    app.connect("source-read", _fill_in_root_pages)
