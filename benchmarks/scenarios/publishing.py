"""Archives into the store: memory while 500 MB are unpacked, and what hashing and publishing cost beside coreutils."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from functools import partial
from pathlib import Path

from measuring import UnmeasurableError, interleave
from table import Row, Section, plus, times

TITLE = "Unpacking and publishing"
_BLOCK = 1 << 16
_MB = 1_000_000
_REPOSITORY = str(Path(__file__).parents[2])
_UNPACK = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[3])
from devboot.unpack import unpack
began = time.monotonic()
unpack(sys.argv[1], sys.argv[2])
took = time.monotonic() - began
scale = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"unpack": took * 1000, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6}))
"""
_PUBLISH = """
import json, shutil, sys, time
sys.path.insert(0, sys.argv[3])
from devboot.provision.objects.roots import TemporaryRoots
from devboot.provision.objects.store import Store
from devboot.provision.objects.tree import remove_tree
with TemporaryRoots(sys.argv[2]) as roots:
    began = time.monotonic()
    Store(sys.argv[2]).realise(
        "x-x-1", lambda into: shutil.copytree(sys.argv[1], into + "/tree"), command="up", roots=roots
    )
    print(json.dumps({"publish": (time.monotonic() - began) * 1000}))
remove_tree(sys.argv[2] + "/store")
"""
_BY_HAND = 'cp -a "$1" "$2" && find "$2" -type f -print0 | xargs -0 sha256sum >"$2.sums" && sync -f "$2.sums"'


def measure(quick: bool) -> Section:
    """Two archives that differ by a hundred in size, and a tree of many files."""
    with tempfile.TemporaryDirectory() as place:
        large, small = _archive(place, "large", 500), _archive(place, "small", 5)
        tree = _tree(place, files=500 if quick else 2000, size=150_000)
        contenders = {
            "devboot": partial(_devboot, place, large, tree),
            "devboot, 5 MB": partial(_child, _UNPACK, small, place),
            "tar": partial(_tar, place, large),
            "cp, sha256sum": partial(_by_hand, place, tree),
        }
        results = interleave(contenders, 3 if quick else 7)
    memory = {name: samples for name, samples in results.of("memory").items() if name.startswith("devboot")}
    rows = (
        Row("memory while unpacking 500 MB", "MB", memory, (plus(4, "devboot, 5 MB"),)),
        Row("500 MB out of a tar.gz", "ms", _only(results.of("unpack"), "devboot", "tar"), (times(1.5, "tar"),)),
        Row("copy, digest, sync and publish", "ms", results.of("publish"), (times(1.5, "cp, sha256sum"),)),
    )
    return Section(TITLE, rows, results.skipped)


def _only(found, *names):
    return {name: found[name] for name in names if name in found}


def _devboot(place: str, archive: str, tree: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=place) as data:
        return {**_child(_UNPACK, archive, place), **_run([sys.executable, "-c", _PUBLISH, tree, data, _REPOSITORY])}


def _child(code: str, archive: str, place: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=place) as into:
        return _run([sys.executable, "-c", code, archive, into, _REPOSITORY])


def _tar(place: str, archive: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=place) as into:
        return _timed("unpack", ["tar", "-xzf", archive, "-C", into])


def _by_hand(place: str, tree: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=place) as into:
        return _timed("publish", ["sh", "-c", _BY_HAND, "sh", tree, os.path.join(into, "tree")])


def _timed(metric: str, command: list[str]) -> dict[str, float]:
    code = "import json, subprocess, sys, time; b = time.monotonic(); subprocess.run(sys.argv[2:], check=True); "
    code += "print(json.dumps({sys.argv[1]: (time.monotonic() - b) * 1000}))"
    return _run([sys.executable, "-c", code, metric, *command])


def _run(command: list[str]) -> dict[str, float]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UnmeasurableError(str(error)[:100]) from error
    return json.loads(done.stdout)


def _archive(place: str, name: str, megabytes: int) -> str:
    """Ten files of incompressible blocks that repeat."""
    path = os.path.join(place, f"{name}.tar.gz")
    blocks = [random.Random(number).randbytes(_BLOCK) for number in range(16)]
    with tarfile.open(path, "w:gz", compresslevel=1) as file:
        source = os.path.join(place, "one")
        with open(source, "wb") as stream:
            stream.writelines(blocks[number * 7 % 16] for number in range(megabytes * _MB // 10 // _BLOCK))
        for number in range(10):
            file.add(source, f"{name}/{number}")
        os.unlink(source)
    return path


def _tree(place: str, *, files: int, size: int) -> str:
    top = os.path.join(place, "tree")
    content = random.Random(1).randbytes(size)
    for number in range(files):
        folder = os.path.join(top, str(number % 50))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, str(number)), "wb") as stream:
            stream.write(number.to_bytes(4, "big") + content)
    return top
