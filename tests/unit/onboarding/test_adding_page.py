"""docs/adding.md: what it shows works as it stands there."""

import re
import tomllib
from pathlib import Path
from textwrap import dedent

import devboot
from devboot.onboarding.frameworks.framework import Framework
from devboot.onboarding.libraries import Kind
from devboot.onboarding.reading.tree import Tree

PAGE = (Path(devboot.__file__).parents[1] / "docs" / "adding.md").read_text()
BLOCKS = re.findall(r"^( *)```(\w+)\n(.*?)^\1```$", PAGE, re.MULTILINE | re.DOTALL)


def framework(name):
    """The framework of that name that a block of the page defines."""
    for _, language, text in BLOCKS:
        if language == "python" and f'name = "{name}"' in text:
            names = {}
            exec(dedent(text), names)
            (found,) = [
                each
                for each in names.values()
                if Framework in getattr(each, "__mro__", ()) and getattr(each, "name", "") == name
            ]
            return found()
    raise LookupError(name)


def test_the_application_object_of_the_page_is_recognised(write):
    write({"main.py": "from blacksheep import Application\nsite = Application()\n", "other.py": "import os\n"})
    write({"requirements.txt": "blacksheep\n"})
    root = write({"a.py": "Application = dict\napp = Application()\n"})
    (found,) = framework("blacksheep").applications(Tree(root))
    assert (found.app.entry, found.app.target) == ("main", "site")


def test_the_script_of_the_page_is_recognised(write):
    root = write({"main.py": "from nicegui import ui\nui.label('a')\nui.run(port=8123)\n", "b.py": "import os\n"})
    (found,) = framework("nicegui").applications(Tree(root))
    assert found.app.path == "main.py"


def test_the_server_of_the_page_has_keys_that_the_table_has():
    (text,) = [text for _, language, text in BLOCKS if language == "toml"]
    ((name, table),) = tomllib.loads(text).items()
    assert Kind(name, **dict.fromkeys(table)).name == "pulsar"


def test_every_file_that_the_page_names_is_there():
    root = Path(devboot.__file__).parents[1]
    named = re.findall(r"`((?:devboot|tests)/[\w/]+\.(?:py|toml))`", PAGE)
    assert named
    assert [path for path in named if not (root / path).is_file()] == []


def test_every_table_that_the_page_names_is_in_its_file():
    root = Path(devboot.__file__).parents[1]
    named = re.findall(r"`(devboot/[\w/]+\.py)`, `([A-Z_]+)`", PAGE)
    assert named
    for path, table in named:
        assert re.search(rf"^{table}\b.* = ", (root / path).read_text(), re.MULTILINE), (path, table)
