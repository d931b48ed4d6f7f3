"""One store for all: several projects, several services of one kind, other filesystems, limits and masks."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from devboot.environment.variables.secrets import load_secrets
from devboot.provision.objects.tree import remove_tree
from tests.e2e.conftest import fetch
from tests.fakes.ports import free_ports
from tests.fakes.toyproject import ToyProject
from tests.fakes.wheels import write_wheel

# The digest of the toy's tree: on any machine, for any user.
TOY_DIGEST = "d97d97a8675e371e31a5b4e591a50b1c6f7ddc4916567f521b60dcd1169d7f79"
DATABASE = ["[databases.default]", 'path = "data/words.sqlite3"', 'migrations = "migrations/*.sql"']


def ports(here, cwd, *names):
    """The ports of services, by name, as `ps` says."""
    told = json.loads(here.devboot("ps", "--json", cwd=cwd).stdout)["processes"]
    found = {each["name"]: each for each in told}
    assert {found[name]["phase"] for name in names} == {"ready"}
    return [found[name]["port"] for name in names]


def say(here, name, *words):
    """What the Redis of a service answers to a command."""
    (port,) = ports(here, here.root, name)
    password = load_secrets(here.data)[f"services.{name}.password"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"AUTH {password}\r\n".encode())
        assert connection.recv(1000) == b"+OK\r\n"
        connection.sendall(" ".join(words).encode() + b"\r\n")
        return connection.recv(1000).decode().strip()


@pytest.mark.network
def test_two_projects_with_the_same_defaults_run_side_by_side_from_one_store(counter, tmp_path):
    other = tmp_path / "other/counter"
    shutil.copytree(counter.root, other)
    for root in (counter.root, other):
        lines = ["[services.redis]", *DATABASE, "[env]", f'PORT = "{free_ports(2)}"', "[processes.web]"]
        (root / "devboot.toml").write_text("\n".join([*lines, 'ready = { http = "/" }', ""]))
    try:
        counter.devboot("up", "-d")
        counter.devboot("up", "-d", cwd=other)

        one, two = (ports(counter, root, "redis", "web") for root in (counter.root, other))
        assert len({*one, *two}) == 4
        assert [fetch(f"http://127.0.0.1:{one[1]}/visit") for _ in range(2)] == ["1", "2"]
        assert fetch(f"http://127.0.0.1:{two[1]}/visit") == "1"
        assert [name.split("-")[1] for name in counter.store()] == ["redis"]

        counter.devboot("down")
        assert fetch(f"http://127.0.0.1:{two[1]}/visit") == "2"
        remove_tree(str(counter.root))
        assert "; 1 object kept" in counter.devboot("gc", cwd=other).stdout
        assert fetch(f"http://127.0.0.1:{two[1]}/visit") == "3"
    finally:
        counter.root.mkdir(exist_ok=True)
        counter.devboot("down", cwd=other, code=None)


@pytest.mark.network
def test_two_services_of_one_kind_have_ports_and_data_of_their_own(counter):
    manifest = counter.root / "devboot.toml"
    text = manifest.read_text().replace("[env]\n", '[env]\nCACHE_URL = "${services.cache.url}/0"\n', 1)
    manifest.write_text(text + f'\n[services.cache]\nrecipe = "redis"\nversion = "8.2"\nport = {free_ports(2)}\n')

    counter.devboot("up", "-d")

    redis, cache = ports(counter, counter.root, "redis", "cache")
    assert redis != cache
    url = counter.devboot("run", "--", "sh", "-c", "echo $CACHE_URL").stdout
    assert re.fullmatch(rf"redis://:[0-9a-f]{{64}}@127\.0\.0\.1:{cache}/0\n", url)
    assert say(counter, "cache", "SET", "colour", "red") == "+OK"
    assert (say(counter, "cache", "GET", "colour"), say(counter, "redis", "GET", "colour")) == ("$3\r\nred", "$-1")
    counter.devboot("down")
    counter.devboot("up", "-d")
    assert say(counter, "cache", "GET", "colour") == "$3\r\nred"
    assert [name.split("-")[1] for name in counter.store()] == ["redis"]


@pytest.fixture
def shop(tmp_path):
    project = ToyProject(tmp_path)
    write_wheel(str(project.wheels), "toygreeting", "1.0")
    (project.root / "requirements.txt").write_text("--no-index\n--find-links ../wheels\ntoygreeting==1.0\n")
    yield project
    remove_tree(str(project.store))


@pytest.mark.faults(19)
@pytest.mark.parametrize("mask", ["000", "077"])
def test_few_descriptors_and_any_mask_give_the_same_store_and_private_state(mask, shop):
    command = f'ulimit -n 64; umask {mask}; exec "$0" "$@"'
    done = subprocess.run(
        ["sh", "-c", command, *shop.command("sync")],
        cwd=shop.root,
        env=shop.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert done.returncode == 0, done.stderr
    (name,) = shop.objects()
    modes = {stat.S_IMODE(path.lstat().st_mode) for path in (shop.store / name).rglob("*") if not path.is_symlink()}
    assert modes == {0o444, 0o555}
    own = [shop.folder / "home/data", shop.folder / "home/data/roots", shop.state]
    own += [*(shop.folder / "home/data/roots").iterdir(), *(shop.state / "generations").iterdir()]
    assert [path.name for path in own if path.stat().st_mode & 0o077] == []
    assert json.loads((shop.store / name / "object.json").read_text())["digest"] == TOY_DIGEST


@pytest.mark.faults(19)
def test_a_cache_on_another_filesystem_is_copied_from(shop):
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm")
        if os.path.isdir("/dev/shm")
        else tempfile.TemporaryDirectory() as cache
    ):
        if os.stat(cache).st_dev == os.stat(shop.folder).st_dev:
            pytest.skip("there is but one filesystem here")
        shop.devboot("sync", UV_CACHE_DIR=str(Path(cache, "uv")))
        said = shop.devboot("run", "--", "sh", "-c", "toy-server; python -c 'import toygreeting'").stdout

    assert said == "toy 1.0.0\n"
    shop.devboot("doctor", "store")
