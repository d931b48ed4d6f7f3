#!/usr/bin/env python3
"""Prepares a release. Nothing leaves this machine: the commands that tag and publish are printed.

release.py 0.2.0    set the version, date the changelog, build, check the wheel in an empty environment
release.py --check  build what is here and check it
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = {"pyproject.toml": r'(?m)^version = "(.+)"$', "devboot/__init__.py": r'(?m)^__version__ = "(.+)"$'}
_UNRELEASED = "## Unreleased\n"


class ReleaseError(Exception):
    """A release that can't be prepared; the text says why."""


def main(arguments: list[str]) -> int:
    """Prepare the release that the command line names; return the exit code."""
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        if arguments != ["--check"]:
            edit(ROOT, arguments[0], dt.datetime.now(tz=dt.UTC).date())
        wheel = build(ROOT)
        check(wheel)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(f"{wheel.relative_to(ROOT)} works in an empty environment")
    if arguments != ["--check"]:
        version = arguments[0]
        print(f"next: git commit -am 'release: {version}' && git tag -a v{version} -m 'devboot {version}'")
        print(f"      git push origin main v{version}   # the workflow `release` publishes it")
    return 0


def edit(root: Path, version: str, today: dt.date) -> None:
    """Write `version` and the changelog's heading into the checkout. Raises ReleaseError before anything is changed."""
    if changed := _output(["git", "status", "--porcelain"], root):
        raise ReleaseError(f"commit or stash first:\n{changed}")
    texts = {name: versioned((root / name).read_text(), pattern, version) for name, pattern in VERSIONS.items()}
    texts["CHANGELOG.md"] = dated((root / "CHANGELOG.md").read_text(), version, today)
    for name, text in texts.items():
        (root / name).write_text(text, encoding="utf-8")
    _run([sys.executable, "scripts/write_reference.py"], root)  # the manual page names the version


def versioned(text: str, pattern: str, version: str) -> str:
    """Return `text` with `version` where `pattern` finds the earlier one.

    Raises ReleaseError unless it is a later one.
    """
    found = re.search(pattern, text)
    if found is None:
        raise ReleaseError(f"no version found with {pattern}")
    try:
        wanted = Version(version)
    except InvalidVersion:
        raise ReleaseError(f"`{version}` is not a version") from None
    if str(wanted) != version or wanted < Version(found[1]):
        raise ReleaseError(f"`{version}` does not come after {found[1]}, or is not in its usual form ({wanted})")
    return text[: found.start(1)] + version + text[found.end(1) :]


def dated(changelog: str, version: str, today: dt.date) -> str:
    """Return `changelog` with what is unreleased under `version`. Raises ReleaseError where nothing is."""
    before, found, after = changelog.partition(_UNRELEASED)
    entries = after.split("\n## ")[0]
    if not found or "\n- " not in entries:
        raise ReleaseError("CHANGELOG.md has nothing under `## Unreleased`")
    return f"{before}{_UNRELEASED}\n## {version} ({today:%Y-%m-%d})\n{after}"


def build(root: Path) -> Path:
    """Build the source distribution, and the wheel from it; return the wheel."""
    shutil.rmtree(root / "dist", ignore_errors=True)
    _run([find_uv_bin(), "build", "--quiet", "--out-dir", "dist"], root)
    (wheel,) = (root / "dist").glob("*.whl")
    return wheel


def check(wheel: Path) -> None:
    """Install `wheel` into an environment that has nothing else, and start its example in an empty home."""
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        home = Path(folder)
        devboot = home / "venv/bin/devboot"
        project = home / "example"
        project.mkdir()
        environ = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "UV_", "LANG"))
        }
        environ |= {
            "PATH": f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin",
            "HOME": folder,
            "DEVBOOT_HOME": f"{folder}/devboot",
        }
        _run([find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(home / "venv")], home)
        _run([find_uv_bin(), "pip", "install", "--quiet", "--python", str(home / "venv"), str(wheel)], home)
        version = _output([str(devboot), "--version"], project, environ)
        if version.split()[-1:] != [wheel.name.split("-")[1]]:
            raise ReleaseError(f"`devboot --version` prints {version!r}")
        for name in ("share/man/man1/devboot.1", *_packaged(home, "py.typed", "_recipes/redis/recipe.toml")):
            if not (home / "venv" / name).is_file():
                raise ReleaseError(f"the wheel lacks {name}")
        try:
            for words in (["help"], ["explain", "port/in-use"], ["init", "--example"], ["up", "-d"], ["ps"]):
                _run([str(devboot), *words], project, environ)
        finally:
            subprocess.run([devboot, "down"], cwd=project, env=environ, check=False, capture_output=True)
            for path, _, _ in os.walk(folder):
                os.chmod(path, 0o700)  # the store is read-only


def _packaged(home: Path, *names: str) -> list[str]:
    (package,) = (home / "venv").glob("lib/python*/site-packages/devboot")
    return [str((package / name).relative_to(home / "venv")) for name in names]


def _run(words: list[str], cwd: Path, environ: dict[str, str] | None = None) -> None:
    print(f"$ {' '.join(words)}", flush=True)
    done = subprocess.run(words, cwd=cwd, env=environ, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise ReleaseError(f"`{' '.join(words)}` ended with {done.returncode}")


def _output(words: list[str], cwd: Path, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, cwd=cwd, env=environ, check=False, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseError(f"`{' '.join(words)}` ended with {done.returncode}: {done.stderr}")
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
