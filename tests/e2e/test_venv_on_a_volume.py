"""`.venv` as a volume of a container: a mount point can't be renamed."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.fakes.toyproject import ToyProject
from tests.fakes.wheels import write_wheel

SCRIPT = """
set -e
mount -t tmpfs none .venv
mkdir .venv/lost+found
devboot() {{ {python} -m devboot "$@"; }}
devboot sync
.venv/bin/python -c 'import toygreeting; print("first", toygreeting.VERSION)'
devboot sync
rm .venv/bin/python
devboot sync
.venv/bin/python -c 'import toygreeting; print("again", toygreeting.VERSION)'
rm -rf .venv/* .venv/.??*
mkdir .venv/theirs
devboot sync && exit 1
devboot sync --force
.venv/bin/python -c 'import toygreeting; print("forced", toygreeting.VERSION)'
ls -d .venv/.aside.*/theirs
"""


@pytest.mark.faults(166)
def test_a_virtualenv_on_a_volume_is_made_rebuilt_and_moved_aside(tmp_path):
    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare`")
    project = ToyProject(tmp_path, manifest="[processes.web]\ncommand = 'true'\n")
    write_wheel(str(project.wheels), "toygreeting", "1.0")
    (project.root / "requirements.txt").write_text("--no-index\n--find-links ../wheels\ntoygreeting==1.0\n")
    (project.root / ".venv").mkdir()
    if subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", project.root / ".venv"], check=False
    ).returncode:
        pytest.skip("nothing can be mounted here")

    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", SCRIPT.format(python=sys.executable)],
        cwd=project.root, env=project.environ, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.endswith("1.0")] == [
        "first 1.0",
        "again 1.0",
        "forced 1.0",
    ]
