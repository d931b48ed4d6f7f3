"""A fresh clone beside a folder of wheels, whose requirements are locked and installed for real."""

import os
import platform
import sys

from devboot.environment.project_python import PythonWish, lock_python, read_python, sync_python
from devboot.environment.python.installed import list_installed
from devboot.events import RecordingReporter
from devboot.uv.client import make_uv
from tests.fakes.wheels import write_wheel

MINOR = ".".join(platform.python_version().split(".")[:2])
INDEX = "--no-index\n--find-links ../wheels\n"


class Clone:
    """A fresh clone beside a folder of wheels."""

    def __init__(self, tmp_path, cache):
        self.root = tmp_path / "my $clone#1 ü"
        self.root.mkdir()
        self.wheels = str(tmp_path / "wheels")
        os.makedirs(self.wheels)
        (tmp_path / "bin").mkdir()
        os.symlink(os.path.realpath(sys.executable), tmp_path / "bin" / f"python{MINOR}")
        self.environ = {"PATH": f"{tmp_path}/bin:{os.defpath}", "HOME": str(tmp_path), "UV_CACHE_DIR": cache}
        self.environ["PIP_CONFIG_FILE"] = os.devnull
        self.reporter = RecordingReporter()
        self.uv = make_uv(self.environ, str(self.root))

    def write(self, **files):
        for name, text in files.items():
            (self.root / name.replace("__", ".")).write_text(text)

    def wheel(self, name, version="1.0", **options):
        return write_wheel(self.wheels, name, version, **options)

    def read(self, **options):
        wish = PythonWish(str(self.root), str(self.root), "clone", version=options.pop("version", MINOR), **options)
        return read_python(self.uv, wish, environ=self.environ)

    def lock(self, project, **options):
        return lock_python(self.uv, project, environ=self.environ, reporter=self.reporter, **options)

    def sync(self, project, lock=None):
        return sync_python(self.uv, project, lock, environ=self.environ, reporter=self.reporter, wall_clock=lambda: 0.0)

    def versions(self):
        return {name: each.version for name, each in list_installed(str(self.root / ".venv")).items()}


def rows(lock):
    return {row.name: row.version for row in lock.rows}
