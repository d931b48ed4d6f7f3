"""Runs the tests of the conda source with py-rattler, an extra of 80 MB that the other tests do without.

python scripts/prove_conda.py [pytest's arguments]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Make a virtualenv with the extra, run the tests in it, remove it."""
    with tempfile.TemporaryDirectory(prefix="devboot-conda-") as folder:
        python = str(Path(folder, "bin/python"))
        subprocess.run([find_uv_bin(), "venv", "-q", "--python", sys.executable, folder], check=True)
        install = [find_uv_bin(), "pip", "install", "-q", "--python", python, "-e", f"{ROOT}[conda]", "--group", "dev"]
        subprocess.run(install, check=True, cwd=ROOT)
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/process/sources/test_conda.py"]
        return subprocess.run([*command, *sys.argv[1:]], check=False, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
