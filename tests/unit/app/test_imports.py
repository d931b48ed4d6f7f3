"""What a command that goes the long way doesn't pay for: modules, and models that nothing is checked by."""

import json
import os
import subprocess
import sys

import pytest

ASK = """
import json, sys
import devboot.app.preparation.prepare, devboot.cli.main, devboot.cli.commands.preparing, devboot.ui.reporters
import devboot.cli.commands.init_doctor, devboot.ui.live_reporter
from devboot.model.edge.types import Table
heavy = {"asyncio", "certifi", "honcho", "httpx", "rattler", "rich", "typer"}
heavy |= {"devboot.app.preparation.locking.conda_rows", "devboot.app.recipes.update"}
heavy |= {"devboot.model.edge.recipe.recipe", "devboot.sources.npm", "devboot.sources.transfers", "devboot.unpack"}
heavy |= {"http.client", "ssl", "tarfile"}
def below(kind):
    for each in kind.__subclasses__():
        yield each
        yield from below(each)
loaded = sorted(heavy & sys.modules.keys())
import devboot.model.edge.recipe.recipe
tables = list(below(Table))
print(json.dumps([loaded, len(tables), sum(each.__pydantic_complete__ for each in tables)]))
"""
GC = """
import gc
from devboot import __main__
from devboot.cli import main as cli
cli.main = lambda argv, handle: print(gc.get_threshold()[0]) or 7
print(__main__._slow([], None), gc.get_freeze_count() > 1000)
"""
RUN = """
import contextlib, io, json, os, sys
searches = []
sys.addaudithook(lambda event, told: searches.append(told) if event == "os.listdir" and told == ("/proc",) else None)
from devboot.__main__ import dispatch
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as heard:
    code, _ = dispatch(sys.argv[1:], os.environ)
print(json.dumps([code, heard.getvalue(), sorted(sys.modules), len(searches)]))
"""
# What only projects with Python packages, services, SQLite, or without a manifest need.
FOR_OTHERS = ("concurrent.futures", "packaging", "sqlite3")
FOR_OTHERS += ("devboot.environment.databases", "devboot.environment.locks.load", "devboot.environment.project_python")
FOR_OTHERS += ("devboot.environment.venv", "devboot.onboarding", "devboot.provision.objects.realise")
FOR_OTHERS += ("devboot.services.data", "devboot.services.plan", "devboot.uv.child")
OF_THE_NETWORK = ("devboot.sources", "socket", "urllib.parse")  # whose settings doctor looks at


def said(program, *words, **options):
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"}
    environ |= options.pop("variables", {})
    return subprocess.check_output([sys.executable, "-c", program, *words], text=True, env=environ, **options)


def loaded_by(command, folder, home):
    """The modules that a command loads in a folder that never saw devboot, and how often it lists all programs."""
    variables = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    code, heard, modules, searches = json.loads(said(RUN, command, cwd=folder, variables=variables))
    assert code == 0, heard
    return modules, searches


@pytest.mark.parametrize(("command", "most"), [("sync", 210), ("lock", 210), ("doctor", 220)])
def test_a_project_of_processes_alone_loads_nothing_for_python_services_and_databases(command, most, tmp_path):
    folder, home = tmp_path / "plain", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "devboot.toml").write_text('[project]\nname = "plain"\n')
    (folder / "Procfile").write_text("p1: sleep 1000\n")

    modules, _ = loaded_by(command, folder, home)

    others = FOR_OTHERS if command == "doctor" else (*FOR_OTHERS, *OF_THE_NETWORK)
    assert not [name for name in modules if name.startswith(others)]
    assert len([name for name in modules if name.partition(".")[0] == "devboot"]) <= most


def test_heavy_modules_and_the_checks_of_parts_of_files_wait_until_somebody_needs_them():
    heavy, tables, complete = json.loads(said(ASK))

    assert [] == heavy
    assert tables > 40
    assert complete < tables / 3


def test_the_collector_of_garbage_looks_seldom_and_not_at_all_at_the_end():
    assert "100000\n7 True\n" == said(GC)


def test_doctor_searches_all_programs_once_for_a_daemon_without_files(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "Procfile").write_text("p1: sleep 1000\n")

    _, searches = loaded_by("doctor", tmp_path, tmp_path / "home")

    assert searches <= 2  # and once for who holds the lock of the project's folders
