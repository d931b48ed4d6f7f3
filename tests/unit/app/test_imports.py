"""What a command that goes the long way doesn't pay for: modules, and models that nothing is checked by."""

import json
import os
import subprocess
import sys

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


def said(program):
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDEVMODE"}
    return subprocess.check_output([sys.executable, "-c", program], text=True, env=environ)


def test_heavy_modules_and_the_checks_of_parts_of_files_wait_until_somebody_needs_them():
    heavy, tables, complete = json.loads(said(ASK))

    assert [] == heavy
    assert tables > 40
    assert complete < tables / 3


def test_the_collector_of_garbage_looks_seldom_and_not_at_all_at_the_end():
    assert "100000\n7 True\n" == said(GC)
