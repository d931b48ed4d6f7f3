"""The recipes of an installation: carried in the wheel, found there."""

import json
import subprocess
from pathlib import Path

import pytest

from devboot.uv.client import find_binary
from tests.recipes.running import RECIPES

ASK = """
import json
from devboot.recipes import RecipeFolders, bundled_folder
print(json.dumps([bundled_folder(), RecipeFolders([bundled_folder()]).names()]))
"""


@pytest.mark.network
def test_an_installed_wheel_finds_its_recipes(tmp_path):
    def uv(*words):
        subprocess.run([find_binary(), *words], check=True, capture_output=True, cwd=Path(__file__).parents[2])

    uv("build", "--wheel", "-o", str(tmp_path / "dist"), ".")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    uv("venv", str(tmp_path / "venv"))
    python = tmp_path / "venv/bin/python"
    uv("pip", "install", "--python", str(python), str(wheel))
    said = subprocess.run([python, "-I", "-c", ASK], check=True, capture_output=True, text=True, cwd=tmp_path).stdout
    folder, names = json.loads(said)

    assert Path(folder).is_relative_to(tmp_path / "venv")
    assert folder.endswith("/devboot/_recipes")
    assert names == list(RECIPES.names())
