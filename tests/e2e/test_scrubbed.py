"""What a project's files set is for its processes alone; what provisions it never sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.index import Index
from tests.fakes.wheels import write_source_tree, write_wheel

# What would make a child of devboot's run something of the project's, or fetch from where the project says.
NAMES = ("LD_PRELOAD", "PYTHONSTARTUP", "PYTHONPATH", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_STRATEGY")
TELL = "import json, os; json.dump(dict(os.environ), open({!r}, 'w'))\n"


@pytest.fixture
def indexes(tmp_path):
    """The user's index, and one that nobody should ask."""
    served = [Index(str(tmp_path / name)) for name in ("index", "evil-index")]
    for each in served:
        write_wheel(each.folder, "greeting", "1.0")
    yield served
    for each in served:
        each.close()


def plant(folder: Path) -> str:
    """A folder with programs and a module, each of which leaves a mark beside it when it is run; its path."""
    folder.mkdir()
    for name in ("uv", "python", "python3", "git", "apt-get", "ldd"):
        script = folder / name
        script.write_text(f"#!/bin/sh\n: >>'{folder}/ran-{name}'\nexit 1\n")
        script.chmod(0o755)
    (folder / "sitecustomize.py").write_text(f"open({str(folder / 'ran-module')!r}, 'a').close()\n")
    return str(folder)


@pytest.mark.faults(63)
def test_variables_of_the_project_reach_its_processes_and_nothing_else(machine, indexes, tmp_path):
    index, evil_index = indexes
    evil = plant(tmp_path / "evil")
    folder = tmp_path / "plan/site"
    write_source_tree(str(folder), "site_package", "1.0")
    backend = folder / "backend.py"
    backend.write_text(TELL.format(str(tmp_path / "builder.json")) + backend.read_text())
    (folder / "requirements.txt").write_text("greeting==1.0\n-e .\n")
    (folder / ".env").write_text(
        f"PIP_INDEX_URL={evil_index.url}\nUV_DEFAULT_INDEX={evil_index.url}\nUV_INDEX_STRATEGY=unsafe-best-match\n"
    )
    (folder / "devboot.toml").write_text(
        f"[env]\nPATH = '{evil}:/usr/bin:/bin'\nLD_PRELOAD = '{evil}/none.so'\nPYTHONPATH = '{evil}'\n"
        f"PYTHONSTARTUP = '{evil}/sitecustomize.py'\n[tasks.show]\nrun = 'env -0 >shown'\n"
        "[databases.default]\npath = 'db.sqlite3'\npragmas = { journal_mode = 'wal' }\n"
    )
    here = machine(folder)
    here.environ |= {"UV_DEFAULT_INDEX": index.url, "UV_CACHE_DIR": str(tmp_path / "uv")}

    here.devboot("sync")
    builder = json.loads((tmp_path / "builder.json").read_text())
    assert index.url == builder["UV_DEFAULT_INDEX"]
    assert set() == set(NAMES) & set(builder) - {"UV_DEFAULT_INDEX"}
    assert evil not in builder["PATH"]
    assert any("greeting" in path for path in index.asked)
    assert [] == evil_index.asked
    assert [] == list(Path(evil).glob("ran-*"))

    here.devboot("run", "show")
    shown = dict(line.split("=", 1) for line in (here.root / "shown").read_text().split("\0") if line)
    assert set(NAMES) <= set(shown)
    assert evil_index.url == shown["UV_DEFAULT_INDEX"]
    assert evil in shown["PATH"].split(":")
