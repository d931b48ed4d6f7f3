"""docs/protocol.md is true: its example talks to a daemon."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from .conftest import REPOSITORY


def test_the_example_of_the_page_follows_the_phases_until_all_is_down(project):
    with open(f"{REPOSITORY}/docs/protocol.md") as page:
        example = re.search(r"```python\n(.*?)```", page.read(), re.DOTALL).group(1)
    project.spec("web").spec("worker").write().devboot("up", "-d")
    environ = {**project.env, "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    script = subprocess.Popen(
        [sys.executable, "-u", "-c", example], cwd=project.root, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert script.stdout.readline() == "['running', 'running']\n"
        project.devboot("down")
        assert "['stopped', 'stopped']" in script.communicate(timeout=60)[0]
        assert script.returncode == 0
    finally:
        script.kill()
        script.communicate()
