"""What doctor finds in the data of a service is what a start refuses, and looking changes nothing."""

from pathlib import Path

import pytest

from devboot.errors import DevbootError
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services.data import prepare_data, refuse_unusable
from devboot.services.plan import plan_service

RECIPES = RecipeFolders([bundled_folder()])
DUMP = b"REDIS0012" + b"\xfa\x09redis-ver\x058.2.3" + b"\xff" + b"checksum"
OFF, ON = {"appendonly": ("no",)}, {"appendonly": ("yes",)}


def planned(root, name="redis", version="8.2.3", settings=OFF):
    return plan_service(
        RECIPES.get(name).recipe,
        name,
        version,
        settings if name == "redis" else {},
        port=6379,
        root=str(root),
        data=str(root / "data"),
        runtime=str(root),
        programs="/s/bin",
    )


def dump(content):
    def write(root):
        service = planned(root)
        Path(service.data).mkdir(parents=True)
        Path(service.data, "dump.rdb").write_bytes(content)
        return service

    return write


def log(**files):
    """An append-only file of a server that ran with `appendonly`."""

    def write(root, settings=ON):
        service = planned(root, settings=settings)
        folder = Path(service.data, "appendonlydir")
        folder.mkdir(parents=True)
        Path(service.data, ".appendonly").write_text("yes\n")
        for name, content in files.items():
            (folder / f"appendonly.aof.1.{name}").write_bytes(content)
        return service

    return write


def switched_off(root):
    service = log(**{"incr.aof": b"new"})(root)
    (Path(service.data) / "appendonlydir/appendonly.aof.manifest").touch()
    return planned(root, settings=OFF)


def of_another_major(root):
    Path(planned(root, "postgres", "17.12").data).mkdir(parents=True)
    Path(planned(root, "postgres", "17.12").data, "PG_VERSION").write_text("17\n")
    return planned(root, "postgres", "18.6")


def of_something_else(root):
    service = planned(root, "postgres", "18.6")
    Path(service.data).mkdir(parents=True)
    Path(service.data, "notes").touch()
    return service


def of_a_newer_redis(root):
    newer = planned(root, version="9.0.0")
    Path(newer.data).mkdir(parents=True)
    Path(newer.data, "dump.rdb").write_bytes(DUMP.replace(b"0012", b"0099"))
    return planned(root)


def in_the_way(root):
    service = planned(root)
    Path(service.data).parent.mkdir(parents=True)
    Path(service.data).write_text("")
    return service


WAYS = {
    "none yet": (planned, ""),
    "a good dump": (dump(DUMP), ""),
    "a dump of 0 bytes": (dump(b""), "redis/data-unreadable"),
    "a dump that isn't one": (dump(b"garbage garbage garbage"), "redis/data-unreadable"),
    "a dump that is cut off": (dump(DUMP[:-3]), "redis/data-unreadable"),
    "a dump of valkey": (dump(b"VALKEY080" + DUMP[9:]), "redis/data-unreadable"),
    "a dump of a newer server": (dump(DUMP.replace(b"0012", b"0099")), "redis/data-too-new"),
    "an append-only file without its manifest": (log(**{"incr.aof": b"x"}), "redis/data-unreadable"),
    "an append-only file whose base is empty": (log(**{"base.rdb": b""}), "redis/data-unreadable"),
    "an append-only file that is switched off": (switched_off, "redis/would-lose-writes"),
    "data of another major version": (of_another_major, "service/other-major"),
    "data of a newer server of another major version": (of_a_newer_redis, "redis/data-too-new"),
    "a folder with other content": (of_something_else, "service/data-unreadable"),
    "a file in place of the folder": (in_the_way, "machine/in-the-way"),
}


def slug_of(call, *arguments):
    try:
        call(*arguments)
    except DevbootError as error:
        return error.slug
    return ""


@pytest.mark.parametrize("way", WAYS)
def test_what_a_start_refuses_is_found_without_a_change(way, tmp_path):
    make, expected = WAYS[way]
    service = make(tmp_path)
    before = sorted(map(str, tmp_path.rglob("*")))

    found = slug_of(refuse_unusable, service)

    assert sorted(map(str, tmp_path.rglob("*"))) == before
    assert (expected, expected) == (found, slug_of(prepare_data, service, 0.0))
