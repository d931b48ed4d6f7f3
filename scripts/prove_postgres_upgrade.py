"""Moves the data of a PostgreSQL 17 to version 18, with what devboot prints and nothing else.

    python scripts/prove_postgres_upgrade.py      (fetches 50 MB)

It ends with an AssertionError where something isn't as it should be, and with 0 where the registries aren't in reach.
The projects are in a temporary folder, and nothing of them is left.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from devboot.provision.objects.tree import remove_tree  # noqa: E402
from tests.e2e.conftest import Machine, eventually, free_ports  # noqa: E402

UPGRADE = """[services.postgres]
version = "17"
port = {port}
[services.postgres.databases.shop]
user = "ada"
extensions = ["citext", "hstore"]
[processes.idle]
command = "sleep 100000"
depends_on = ["shop"]
"""
BESIDE = """[services.postgres]
port = {port}
access = "open"
[services.old]
recipe = "postgres"
version = "17"
port = {other}
access = "open"
"""
ROWS = "SELECT string_agg(note, ',' ORDER BY id) FROM visits"


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


STARTED = time.monotonic()


def machine(folder: Path, name: str, manifest: str) -> Machine:
    """A fresh home with a project of nothing but a manifest, and a `devboot` on PATH as in anybody's shell."""
    project, place, programs = folder / "project", folder / name, folder / name / "programs"
    project.mkdir(exist_ok=True)
    programs.mkdir(parents=True)
    base = free_ports()
    here = Machine(place, folder / "cache", project)
    (here.root / "devboot.toml").write_text(manifest.format(port=base, other=base + 1))
    script = programs / "devboot"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(here.command())} "$@"\n')
    script.chmod(0o755)
    here.environ |= {"PATH": f"{programs}:{here.environ['PATH']}", "DEVBOOT_HOME": str(folder / "devboot")}
    return here


def sql(here: Machine, text: str, *words: str) -> str:
    """What psql prints as the application's own role."""
    return here.devboot("run", "--", "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", *words, "-c", text).stdout.strip()


def data(here: Machine, major: int) -> Path:
    """The data directory of a major version."""
    return here.data / f"services/postgres/postgres-{major}"


def paste(here: Machine, line: str, code: int = 0) -> str:
    """Do what a line of help says: run it, or put it into the manifest in the place of the one that is there."""
    say(f"paste   {line}")
    if line.startswith("version = "):
        manifest = here.root / "devboot.toml"
        manifest.write_text(re.sub(r"^version = .*$", line, manifest.read_text(), flags=re.MULTILINE))
        return ""
    done = subprocess.run(
        ["/bin/sh", "-c", line], cwd=here.root, env=here.environ, capture_output=True, text=True, check=False
    )
    assert code == done.returncode, done.stdout + done.stderr
    return done.stderr


def is_reachable(here: Machine) -> bool:
    """Whether the distribution's packages can be had."""
    done = here.devboot("lock", code=None)
    is_away = any(f"error[{slug}" in done.stderr for slug in ("network/", "machine/no-apt", "lock/not-in-distribution"))
    assert is_away or done.returncode == 0, done.stderr
    if is_away:
        say(f"skipped: {done.stderr.strip()}")
    return not is_away


def with_rows(here: Machine) -> None:
    """Version 17 with rows in a table of the application's."""
    here.devboot("up", "-d")
    eventually(lambda: here.ps()["idle"]["phase"] in ("running", "ready"), 120)
    assert sql(here, "SHOW server_version").startswith("17."), "another version"
    sql(here, "CREATE TABLE visits (id serial, note citext); INSERT INTO visits (note) VALUES ('first'), ('second')")
    say(f"17 has {sql(here, ROWS)}")


def upgrade(here: Machine) -> None:
    """To 18 and back."""
    with_rows(here)
    rows = sql(here, ROWS)
    here.devboot("down")
    paste(here, 'version = "18"')

    refused = here.devboot("up", "-d", code=None)
    assert "error[service/other-major]" in refused.stderr
    assert not data(here, 18).exists()
    helps = [line.removeprefix("help: ") for line in refused.stderr.splitlines() if line.startswith("help: ")]
    say("18 refuses, and says:")
    print(refused.stderr, flush=True)
    assert len(helps) == 5
    for line in helps[:4]:
        paste(here, line)

    assert sql(here, "SHOW server_version").startswith("18."), "another version"
    assert rows == sql(here, ROWS)
    here.devboot("down")
    here.devboot("up", "-d")
    eventually(lambda: here.ps()["idle"]["phase"] in ("running", "ready"), 120)
    sql(here, "INSERT INTO visits (note) VALUES ('of eighteen')")
    say(f"18 has {sql(here, ROWS)}")
    assert data(here, 17).joinpath("PG_VERSION").read_text() == "17\n"
    here.devboot("down")

    paste(here, 'version = "17"')
    here.devboot("up", "-d")
    eventually(lambda: here.ps()["idle"]["phase"] in ("running", "ready"), 120)
    assert rows == sql(here, ROWS), "going back is going on with what the old one had"
    say(f"17 has {sql(here, ROWS)} again")
    here.devboot("down")
    paste(here, 'version = "18"')
    here.devboot("up", "-d")
    eventually(lambda: here.ps()["idle"]["phase"] in ("running", "ready"), 120)
    assert f"{rows},of eighteen" == sql(here, ROWS)
    say("18 has its own again, without a question")
    here.devboot("down")


def side_by_side(here: Machine) -> None:
    """Both versions at once, each with data of its own."""
    here.devboot("up", "-d")
    found = {name: here.ps()[name]["address"].rpartition(":")[2] for name in ("postgres", "old")}
    words = {name: ("-h", "127.0.0.1", "-p", port, "-U", "postgres", "-d", "postgres") for name, port in found.items()}
    versions = {name: sql(here, "SHOW server_version", *words[name]).partition(".")[0] for name in words}
    assert versions == {"postgres": "18", "old": "17"}
    sql(here, "CREATE EXTENSION pgcrypto; CREATE TABLE only_here AS SELECT digest('a', 'sha1')", *words["old"])
    assert sql(here, "SELECT to_regclass('only_here')", *words["postgres"]) == ""
    say(f"side by side: {versions}")
    here.devboot("down")
    stops_at_what_is_lacking(here)


def stops_at_what_is_lacking(here: Machine) -> None:
    """The build of 18 has no pgcrypto: who moves data that needs it hears so, and nothing goes on without."""
    paste(here, 'version = "18"')
    refused = here.devboot("up", "-d", code=None).stderr
    helps = [line.removeprefix("help: ") for line in refused.splitlines() if line.startswith("help: ")]
    for line in helps[:3]:
        paste(here, line)
    said = paste(here, helps[3], code=3)
    assert 'extension "pgcrypto" is not available' in said, said
    say(f"stopped: {next(line for line in said.splitlines() if 'ERROR' in line)}")
    assert here.data.joinpath("services/old/postgres-17/PG_VERSION").exists()


def close(here: Machine) -> None:
    """End what is still there."""
    here.devboot("down", code=None)
    for line in here.processes():
        os.kill(int(line.split()[0]), 9)
    here.close()


def main() -> int:
    """Run both, and remove what they made."""
    folder = Path(tempfile.mkdtemp(prefix="devboot-"))
    folder.chmod(0o755)  # as root, the servers are somebody else
    try:
        for name, manifest, work in (("upgrade", UPGRADE, upgrade), ("beside", BESIDE, side_by_side)):
            here = machine(folder, name, manifest)
            try:
                if not is_reachable(here):
                    return 0
                work(here)
            finally:
                close(here)
    finally:
        remove_tree(str(folder))
    say("all of it holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
