"""A project with a service of its own recipe, whose wheel lies in a folder: whole commands without network."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from devboot.model.artifact import PLATFORMS
from tests.fakes import warm_commands
from tests.fakes.folders import data_folder, state_folder
from tests.fakes.on_path import with_devboot
from tests.fakes.wheels import write_wheel

MANIFEST = """
[services.toy]
[processes.web]
command = "true"
"""
RECIPE = """
[package]
name = "toy"
description = "a toy"
[[source]]
kind = "wheel"
name = "toy"
bin = { toy-server = "toy/toy-server" }
[service]
command = ["toy-server"]
port = 23999
[service.ready]
tcp = "{port}"
[test]
"""


class ToyProject:
    """A folder `shop`, wheels beside it, a home for devboot and a cache for uv of its own.

    The toy's versions are those of `versions`, newest first; `also` is a line of shell that its program runs.
    """

    def __init__(
        self, folder: Path, *, versions: tuple[str, ...] = ("1.0.0",), manifest: str = MANIFEST, also: str = "true"
    ) -> None:
        self.folder = folder
        self.also = also
        self.root = folder / "shop"
        self.wheels = folder / "wheels"
        (self.root / "recipes/toy").mkdir(parents=True)
        self.wheels.mkdir()
        (self.root / "devboot.toml").write_text(manifest)
        (self.root / "recipes/toy/recipe.toml").write_text(RECIPE)
        (self.root / "recipes/toy/versions.toml").write_text("\n".join(map(self._release, versions)))
        self.store = folder / "home/data/store"

    def _release(self, version: str) -> str:
        program = f"#!/bin/sh\n{self.also}\necho toy {version}\n"
        write_wheel(str(self.wheels), "toy", version, files={"toy/toy-server": program})
        (wheel,) = self.wheels.glob(f"toy-{version}-*")
        row = {"source": "wheel", "name": "toy", "version": version, "file": wheel.name}
        row |= {"sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(), "size": wheel.stat().st_size}
        lines = [f'[[version]]\nversion = "{version}"']
        for platform in PLATFORMS:
            lines += [f"[version.{platform}]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())]
        return "\n".join(lines)

    @property
    def state(self) -> Path:
        """Where devboot keeps logs, leases and the like of the project."""
        return state_folder(self.root, self.folder / "home")

    @property
    def data(self) -> Path:
        """Where devboot keeps the project's data."""
        return data_folder(self.root, self.folder / "home")

    @property
    def environ(self) -> dict[str, str]:
        """What devboot runs with: nothing of the caller's but PATH."""
        return {
            "PATH": with_devboot(os.environ["PATH"]),
            "HOME": str(self.folder),
            "DEVBOOT_HOME": str(self.folder / "home"),
            "PYTHONPATH": os.getcwd(),
            "UV_FIND_LINKS": str(self.wheels),
            "UV_NO_INDEX": "1",
            "UV_CACHE_DIR": str(self.folder / "uv"),
        }

    def command(self, *words: str) -> list[str]:
        """The command line of devboot."""
        return [sys.executable, "-m", "devboot", *words]

    def devboot(self, *words: str, code: int | None = 0, cwd: Path | None = None, **environ: str):
        """Run devboot to its end; its exit code has to be `code`, or any where that is None."""
        done = warm_commands.run(self.command(), words, cwd or self.root, {**self.environ, **environ}, 90)
        assert code in (None, done.returncode), f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def objects(self) -> list[str]:
        """The names of everything in the store."""
        return sorted(os.listdir(self.store)) if self.store.exists() else []
