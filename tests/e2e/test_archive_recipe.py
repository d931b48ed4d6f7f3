"""Recipes of a project's own whose bytes come from an upstream: an archive, a program as it is, a source to compile."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import shutil
import signal
from pathlib import Path

import pytest

from devboot.model.artifact import PLATFORMS
from tests.fakes.archives import honest_tar, zip_info, zipped
from tests.fakes.fault_server import Reply, whole_file
from tests.fakes.processes import wait_until

pytestmark = pytest.mark.own_ports

PROGRAM = b"#!/bin/sh\necho shout 1.0 $2\n"


@pytest.fixture
def shop(machine, tmp_path):
    folder = tmp_path / "plan/shop"
    folder.mkdir(parents=True)
    (folder / "devboot.toml").write_text('[packages]\nshout = "1"\n')
    return machine(folder)


def write_recipe(shop, kind, url, file, data, *, bin_path, more=""):
    """A recipe whose file is the same for every platform."""
    folder = shop.root / "recipes/shout"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(
        '[package]\nname = "shout"\ndescription = "Says it loudly"\nlicenses = { "1" = "MIT" }\n\n'
        f'[[source]]\nkind = "{kind}"\nurl = "{url}"\nbin = {{ shout = "{bin_path}" }}\n{more}\n[test]\n'
    )
    row = f'source = "{kind}"\nname = "upstream"\nversion = "1.0"\nfile = "{file}"\n'
    row += f'sha256 = "{hashlib.sha256(data).hexdigest()}"\nsize = {len(data)}\n'
    rows = "".join(f"\n[version.{platform}]\n{row}" for platform in PLATFORMS)
    (folder / "versions.toml").write_text(f'[[version]]\nversion = "1.0"\n{rows}')


def test_an_archive_is_fetched_from_the_upstream_and_the_lock_names_no_host(shop, upstream):
    data = gzip.compress(honest_tar({"shout-1.0/bin/shout": PROGRAM, "shout-1.0/README": b"x"}), mtime=0)
    upstream.on("/v1.0/shout-1.0.tgz", whole_file(data))
    template = upstream.url("/v{version}/shout-{version}.tgz")
    write_recipe(shop, "archive", template, "shout-1.0.tgz", data, bin_path="*/bin/shout")

    assert shop.devboot("run", "--", "shout", "x", "loud").stdout == "shout 1.0 loud\n"
    text = (shop.root / "devboot.lock").read_text()
    assert "127.0.0.1" not in text
    assert "http" not in text
    assert [asked.path for asked in upstream.requests] == ["/v1.0/shout-1.0.tgz"]

    shop.devboot("gc")
    shop.environ["DEVBOOT_OFFLINE"] = "1"
    assert shop.devboot("run", "--", "shout", "x", "again").stdout == "shout 1.0 again\n"


def test_a_mirror_stands_before_the_upstream(shop, upstream):
    data = zipped((zip_info("shout", 0o100755), PROGRAM))
    upstream.on("/mirror/files.example.test/shout-1.0.zip", whole_file(data))
    write_recipe(shop, "archive", "https://files.example.test/{file}", "shout-1.0.zip", data, bin_path="shout")
    shop.environ["DEVBOOT_MIRROR"] = upstream.url("/mirror")

    assert shop.devboot("run", "--", "shout").stdout == "shout 1.0\n"


@pytest.mark.faults(3, 10, 59)
def test_what_goes_wrong_names_the_recipe(shop, upstream):
    data = gzip.compress(honest_tar({"shout-1.0/shout": PROGRAM}), mtime=0)
    url = upstream.on("/shout.tgz", Reply(status=404))
    write_recipe(shop, "archive", url, "shout.tgz", data, bin_path="*/bin/shout")

    failed = shop.devboot("sync", code=4).stderr
    assert "error[network/http-404]" in failed
    assert f"`{url}`, as the recipe of shout says" in failed

    upstream.on("/shout.tgz", Reply(b"x" * len(data)))
    assert (
        "error[integrity/hash-mismatch]: shout 1.0 is not the file that was locked"
        in shop.devboot("sync", code=5).stderr
    )

    upstream.on("/shout.tgz", whole_file(data))
    failed = shop.devboot("sync", code=5).stderr
    assert "error[archive/wrong-layout]: expected one file `*/bin/shout` in the downloaded package" in failed
    assert "at the top: shout-1.0" in failed
    assert shop.store() == []


def test_the_files_of_a_version_are_measured_where_the_recipe_says_they_are(shop, upstream):
    for platform in ("amd64", "arm64"):
        data = gzip.compress(honest_tar({"shout": PROGRAM, "p": platform.encode()}), mtime=0)
        upstream.on(f"/1.0/shout-{platform}.tgz", whole_file(data))
    url = upstream.url("/{version}/shout-{platform}.tgz")
    words = "platforms = { linux-x86_64 = 'amd64', linux-aarch64 = 'arm64', macos-arm64 = 'darwin' }\n"
    write_recipe(shop, "archive", url, "-", b"", bin_path="shout", more=words)
    versions = shop.root / "recipes/shout/versions.toml"
    versions.unlink()

    assert "an upstream source needs a version" in shop.devboot("recipe", "update", "shout", code=2).stderr
    shop.devboot("recipe", "update", "shout", "==1.0")
    text = versions.read_text()
    assert text.count("[version.linux-") == 2
    assert 'file = "shout-amd64.tgz"' in text
    assert 'macos-arm64 = "upstream==1.0 has no package for it"' in text
    assert "127.0.0.1" not in text
    tested = shop.devboot("recipe", "test", "shout").stderr
    assert tested.endswith("shout 1.0 works on this machine\n")


@pytest.mark.faults(6, 115)
def test_an_interrupted_transfer_ends_at_once_and_goes_on_where_it_stopped(shop, upstream):
    data = gzip.compress(honest_tar({"shout": PROGRAM, "noise": random.Random(1).randbytes(3_000_000)}), mtime=0)
    stalls = Reply(data, headers={"ETag": '"1"'}, stall_after=2_000_000)
    url = upstream.on("/shout.tgz", stalls, whole_file(data))
    write_recipe(shop, "archive", url, "shout.tgz", data, bin_path="shout")

    child = shop.start("sync")
    folder = Path(shop.environ["DEVBOOT_HOME"], "cache/downloads")
    wait_until(
        lambda: any(part.stat().st_size == 2_000_000 for part in folder.glob("*.part")) or child.poll() is not None
    )
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    said = child.stderr.read()
    assert child.wait(60) == 130
    assert re.search(r"^kept: lock \(done\), shout \(6\d %, will resume\)$", said, re.MULTILINE)

    assert "resuming at 66 %\n" in shop.devboot("sync").stderr
    assert upstream.requests[1].headers["range"] == "bytes=2000000-"


SOURCE = {
    "shout-1.0/shout.c": b"#include <stdio.h>\n"
    b'int main(int n, char **w) { printf("shout 1.0 %s\\n", n > 2 ? w[2] : ""); }\n',
    "shout-1.0/Makefile": b"shout: shout.c\n\t$(CC) -o shout shout.c\n",
}


def service(shop, *, source):
    """The tool as a service: that is where the manifest can insist on a source."""
    recipe = shop.root / "recipes/shout/recipe.toml"
    recipe.write_text(
        recipe.read_text().partition("\n[service]")[0]
        + '\n[service]\ncommand = ["shout"]\nport = 1\n[service.ready]\ntcp = "{port}"\n'
    )
    (shop.root / "devboot.toml").write_text(f'[services.shout]\nversion = "1"\n{source}')


def test_a_source_is_compiled_only_where_the_manifest_insists(shop, upstream):
    data = gzip.compress(
        honest_tar({"shout-1.0/build.sh": b"printf '#!/bin/sh\\necho shout 1.0 $2\\n' >shout"}), mtime=0
    )
    url = upstream.on("/shout.tgz", whole_file(data))
    steps = 'steps = [["sh", "build.sh"]]\ntools = ["sh"]\n'
    write_recipe(shop, "build", url, "shout.tgz", data, bin_path="shout", more=steps)
    service(shop, source="")

    refused = shop.devboot("sync", code=3).stderr
    assert "error[manifest/no-such-version]: shout has no version 1" in refused
    assert 'it has to be compiled, which devboot does where the manifest says `source = "build"`' in refused
    assert 'help: source = "build"' in refused
    assert upstream.requests == []

    service(shop, source='source = "build"\n')
    built = shop.devboot("sync").stderr
    assert "building 1.0: sh build.sh" in built
    assert shop.devboot("run", "--no-sync", "--", "shout", "x", "loud").stdout == "shout 1.0 loud\n"


@pytest.mark.skipif(shutil.which("cc") is None or shutil.which("make") is None, reason="no C compiler here")
def test_c_is_compiled_by_the_machines_compiler(shop, upstream):
    data = gzip.compress(honest_tar(SOURCE), mtime=0)
    url = upstream.on("/shout.tgz", whole_file(data))
    steps = 'steps = [["make", "-j{jobs}", "CC=cc"]]\n'
    write_recipe(shop, "build", url, "shout.tgz", data, bin_path="shout", more=steps)
    (shop.root / "devboot.toml").write_text('[packages]\nshout = { version = "1", source = "build" }\n')
    shop.devboot("sync")

    assert shop.devboot("run", "--no-sync", "--", "shout", "x", "loud").stdout == "shout 1.0 loud\n"


def test_a_build_that_cannot_be_says_what_is_missing(shop, upstream):
    data = gzip.compress(
        honest_tar({"shout-1.0/build.sh": b"echo shout.c: zlib.h: No such file or directory; exit 2"}), mtime=0
    )
    url = upstream.on("/shout.tgz", whole_file(data))
    write_recipe(
        shop,
        "build",
        url,
        "shout.tgz",
        data,
        bin_path="shout",
        more='steps = [["sh", "build.sh"]]\ntools = ["none-such"]\n',
    )
    service(shop, source='source = "build"\n')

    failed = shop.devboot("sync", code=6).stderr
    assert "error[build/no-tools]: building shout 1.0 requires `none-such`" in failed
    assert upstream.requests == []

    write_recipe(
        shop, "build", url, "shout.tgz", data, bin_path="shout", more='steps = [["sh", "build.sh"]]\ntools = []\n'
    )
    service(shop, source='source = "build"\n')
    failed = shop.devboot("sync", code=1).stderr
    assert "error[build/failed]: shout 1.0 could not be built" in failed
    assert "shout.c: zlib.h: No such file or directory" in failed
    assert "cause: `sh build.sh`: exit code 2" in failed
    assert "sudo apt-get install zlib1g-dev" in failed
    assert shop.store() == []
