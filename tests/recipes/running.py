"""Real services for tests: provisioned once a session, started as their spec says, without a supervisor."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from devboot.app.preparation.install.app_pythons import AppPythons
from devboot.app.preparation.install.artifact_sources import Sources
from devboot.app.preparation.install.downloads import make_downloads, make_registry
from devboot.app.preparation.install.provisioning import wanted_objects
from devboot.app.preparation.locking.candidates import channel_asker
from devboot.app.preparation.locking.distro import Distribution, apt_of
from devboot.app.this_machine import this_host
from devboot.errors import LockError, NetworkError
from devboot.events import RecordingReporter
from devboot.model.edge.lockfile.lock import Lock, Wish
from devboot.provision.objects.realise import realise
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.resolve.conda_queries import channel_origin, with_release
from devboot.resolve.distro_queries import deb_origin
from devboot.resolve.packages import resolve
from devboot.services.plan import client_of
from devboot.uv.client import make_uv
from tests.fakes.processes import wait_until

RECIPES = RecipeFolders([bundled_folder()])
HOST = this_host(sys.platform, os.uname().machine)
LARGEST = 40_000_000  # bytes; `devboot recipe test NAME` is there for what is bigger


def tried():
    """Recipes and versions: of a source's versions the newest and the oldest, between which nothing else is built."""
    found = {}
    for name in RECIPES.names():
        for release in RECIPES.get(name).releases:
            row = release.row(HOST.platform)
            if row is not None and row.size <= LARGEST:
                found.setdefault((name, row.source, row.name), []).append((name, release.version))
    return [version for versions in found.values() for version in dict.fromkeys((versions[0], versions[-1]))]


VERSIONS = tried()


DEB = "deb"  # stands for the version that this machine's distribution has
CONDA = "conda"  # stands for the newest one of the channel
known = [RECIPES.get(name) for name in RECIPES.names()]
VERSIONS += [(each.name, CONDA) for each in known if not each.releases and channel_origin(each, Wish(each.name))]
if shutil.which("apt-get"):  # what other sources have, too, is large, and has a script: prove_postgres_upgrade.py
    VERSIONS += [(each.name, DEB) for each in known if not each.releases and deb_origin(each, Wish(each.name))]


def stored(name, version, data):
    """The store object of a recipe at a version, below the directory `data`."""
    known = RECIPES.get(name)
    uv = make_uv({**os.environ, "DEVBOOT_HOME": data}, data)
    if version == CONDA:
        wish = Wish(name, "", CONDA)
        known, offers = with_release(known, of_channel(channel_origin(known, wish), uv)), {}
    elif version == DEB:
        wish = Wish(name, "", DEB)
        here = Distribution(HOST, os.environ, apt_of(uv), RecordingReporter())
        try:
            row = here.row(deb_origin(known, wish), HOST.platform)
        except NetworkError as error:
            pytest.skip(f"the distribution's archive isn't in reach: {error.what}")
        except LockError as error:
            if error.slug != "lock/not-in-distribution":
                raise
            pytest.skip(error.what)
        if (size := sum(part.size for part in row.files)) > LARGEST:
            pytest.skip(f"its packages are {size / 1e6:.1f} MB")
        offers = {wish: (row,)}
    else:
        wish, offers = Wish(name, version), {}
    (package,) = resolve([wish], {name: known}, offers=offers).packages
    skip_without_registry(package, uv)
    pythons = AppPythons(uv, os.environ, data)
    (wanted,) = wanted_objects(Lock(package=(package,)), {name: known}, HOST, pythons.choose).values()
    with TemporaryRoots(data) as roots:
        return realise(
            Store(data),
            wanted,
            Sources(uv)[wanted.artifact.source],
            HOST,
            command="test",
            roots=roots,
            reporter=RecordingReporter(),
            now=time.time,
        )


def of_channel(origin, uv):
    """What the channel has, which needs an extra of 80 MB, and isn't a given either."""
    ask = channel_asker(uv)
    if ask is None:
        pytest.skip(f"`{origin.name}` is in the conda channel `{origin.channel}`, and py-rattler isn't installed")
    try:
        return ask(origin, "")
    except NetworkError as error:
        pytest.skip(f"the conda channel `{origin.channel}` isn't in reach: {error.what}")


def skip_without_registry(package, uv):
    """Skip what comes from npm where no registry is configured, or none is in reach: unlike PyPI it isn't a given."""
    row = package.row(HOST.platform)
    if row is None or row.source != "npm":
        return
    try:
        make_registry(uv, make_downloads(uv, RecordingReporter())).published(row.name, row.name)
    except NetworkError as error:
        pytest.skip(error.what)


def ask(port, send, expect):
    """What the service answers, as far as it is as long as what is expected."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(send.encode("latin-1"))
        answer = b""
        while len(answer) < len(expect) and (block := connection.recv(4096)):
            answer += block
    return answer.decode("latin-1")


def words_of(service, programs):
    """What a command of `[test]` reads."""
    kept = {word: text for word, text in service.exports.items() if word not in ("data", "own_password")}
    name = service.spec.name
    client = client_of(RECIPES.get(name).recipe) if name in RECIPES.names() else ""
    return {**kept, "bin": programs, "access": os.path.join(service.data, "access"), "client": client}


def answer(service, exchange, programs, **options):
    """What comes of one exchange of a recipe's test; `options` are for the command."""
    words = words_of(service, programs)
    if exchange.send:
        return ask(service.spec.port, exchange.send.replace("{password}", words["password"]), exchange.expect)
    ended = subprocess.run(
        ["/bin/sh", "-c", exchange.run],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )
    return ended.stdout or ended.stderr


class Running:
    """A service from its start to its end; `log` is what it wrote. It is gone when the block ends."""

    def __init__(self, service, *, until_ready=True):
        self.spec = service.spec
        self.until_ready = until_ready
        self.log_path = f"{service.data}.log"
        self.environ = {"PATH": os.environ["PATH"], **dict(self.spec.env)}
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(
                self.spec.argv, cwd=self.spec.cwd, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as stream:
            return stream.read()

    def answer(self):
        """What it answers to what its readiness probe sends, "" when nobody answers."""
        try:
            return ask(self.spec.port, self.spec.ready.send, self.spec.ready.expect)
        except OSError:
            return ""

    def is_ready(self):
        """Ask as its readiness probe would."""
        ready = self.spec.ready
        if ready.kind == "log":
            return re.search(ready.expect, self.log) is not None
        if ready.kind == "exec":
            command = ["/bin/sh", "-c", ready.command]
            return subprocess.run(command, env=self.environ, capture_output=True, check=False).returncode == 0
        if ready.kind == "http":
            request = f"GET {ready.path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
            try:
                status = int(ask(ready.port, request, "HTTP/1.x 200")[9:12])
            except (OSError, ValueError):
                return False
            return status == 200 or (status == 403 and self.spec.name == "s3")  # which refuses without its key
        return self.answer().startswith(ready.expect)

    def wait_for(self, is_so):
        """Poll until it is so; the child has to live on."""
        wait_until(lambda: is_so() or self.child.poll() is not None, f"the server, which says: {self.log}", 90)
        assert self.child.poll() is None, self.log

    def __enter__(self):
        if self.until_ready:
            self.wait_for(self.is_ready)
        return self

    def stop(self):
        """Ask it to stop, and wait; its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(self.spec.stop_signal)
        return self.child.wait(self.spec.stop_timeout)

    def __exit__(self, *error):
        try:
            if error[0] is None:
                self.code = self.stop()
        finally:
            self.child.kill()
            self.child.wait()
