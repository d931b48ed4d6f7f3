"""Data directories: private, and never handed to a server that would start empty over them."""

import os
import re
import socket
from pathlib import Path

import pytest

from devboot.errors import LockError, MachineError
from devboot.model.data_files import dump_format
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services.data import prepare_data
from devboot.services.plan import plan_service

RECIPES = RecipeFolders([bundled_folder()])
DUMP = b"REDIS0012" + b"\xfa\x09redis-ver\x058.2.3" + b"\xff" + b"checksum"
OFF, ON = {"appendonly": ("no",)}, {"appendonly": ("yes",)}
AT = 1_772_357_405.0


def service(tmp_path, settings=None, *, name="redis", version="8.2.3"):
    return plan_service(
        RECIPES.get(name).recipe,
        name,
        version,
        settings or {},
        port=6379,
        root=str(tmp_path),
        data=str(tmp_path / "data"),
        runtime=str(tmp_path),
        programs="/s/bin",
    )


def with_dump(tmp_path, content, **more):
    planned = service(tmp_path, **more)
    os.makedirs(planned.data)
    Path(planned.data, "dump.rdb").write_bytes(content)
    return planned


@pytest.mark.faults(19)
def test_the_directory_is_private_whatever_the_umask(tmp_path):
    planned = service(tmp_path)
    old = os.umask(0)
    try:
        assert prepare_data(planned) == ()
    finally:
        os.umask(old)

    assert os.stat(planned.data).st_mode & 0o777 == 0o700


def test_a_good_dump_is_taken(tmp_path):
    assert prepare_data(with_dump(tmp_path, DUMP, settings=OFF)) == ()


@pytest.mark.faults(94)
@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "it has 0 bytes"),
        (b"garbage garbage garbage", "it has no header of a dump"),
        (DUMP[:-3], "its end is missing: it was cut off at 32 bytes"),
        (b"VALKEY080" + DUMP[9:], "it was written by Valkey, and Redis can't read Valkey's dumps"),
    ],
)
def test_a_dump_that_cannot_be_read_is_refused_and_stays(content, cause, tmp_path):
    planned = with_dump(tmp_path, content)
    with pytest.raises(MachineError) as caught:
        prepare_data(planned)

    dump = f"{planned.data}/dump.rdb"
    assert (caught.value.slug, caught.value.exit_code) == ("redis/data-unreadable", 6)
    assert caught.value.what == "redis can't read its data, so it was not started"
    assert caught.value.causes == (f"`{dump}`: {cause}",)
    assert caught.value.help == (f"mv {dump} {dump}.unreadable",)
    assert Path(dump).read_bytes() == content


@pytest.mark.faults(95)
def test_a_dump_of_a_newer_server_is_refused_before_the_start(tmp_path):
    with pytest.raises(LockError) as caught:
        prepare_data(with_dump(tmp_path, b"REDIS0013" + DUMP[9:]))

    assert (caught.value.slug, caught.value.exit_code) == ("redis/data-too-new", 3)
    assert caught.value.causes == ("the dump has format 13, redis 8.2.3 reads up to 12",)


@pytest.mark.faults(95)
def test_another_major_version_goes_on_with_a_copy(tmp_path):
    with_dump(tmp_path, DUMP)
    parent = f"{tmp_path}/data/services/redis"
    older = service(tmp_path, OFF, version="7.4.1")

    (note,) = prepare_data(older, at=0.0)
    assert re.fullmatch(f"uses a copy of redis-8, made on [0-9: -]+; the old data is kept in `{parent}/redis-8`", note)
    for name in ("redis-7", "redis-8"):
        with open(f"{parent}/{name}/dump.rdb", "rb") as stream:
            assert stream.read() == DUMP
    assert prepare_data(older) == ()


@pytest.mark.faults(95)
def test_a_major_version_that_cannot_read_the_data_is_refused_and_does_not_begin_with_nothing(tmp_path):
    with_dump(tmp_path, DUMP)
    older = service(tmp_path, version="6.2.14")
    for _ in range(2):
        with pytest.raises(LockError) as caught:
            prepare_data(older)
        assert caught.value.slug == "redis/data-too-new"
        assert os.listdir(f"{tmp_path}/data/services/redis") == ["redis-8"]


def test_append_only_files_of_a_later_form_are_refused(tmp_path):
    newer = service(tmp_path)
    prepare_data(newer)
    os.mkdir(f"{newer.data}/appendonlydir")
    with open(f"{newer.data}/.appendonly", "w") as stream:
        stream.write("yes\n")
    with pytest.raises(MachineError) as caught:
        prepare_data(service(tmp_path, version="6.2.14"))

    assert caught.value.slug == "redis/data-unreadable"


def test_another_product_is_told_and_starts_with_nothing(tmp_path):
    with_dump(tmp_path, DUMP)
    parent = f"{tmp_path}/data/services/redis"
    os.rename(f"{parent}/redis-8", f"{parent}/valkey-9")

    assert prepare_data(service(tmp_path)) == (f"starts empty: the data of valkey-9 is kept in `{parent}`",)


def test_headers_of_both_products_are_known():
    headers = (b"REDIS0009", b"VALKEY080", b"REDIS00x9", b"REDIS001", b"")
    assert [dump_format(header) for header in headers] == [("REDIS", 9), ("VALKEY", 80), None, None, None]


def prepared(tmp_path, content, **more):
    planned = with_dump(tmp_path, content, settings=OFF, **more)
    prepare_data(planned, AT)
    return planned, service(tmp_path, ON, **more)


@pytest.mark.faults(94)
@pytest.mark.parametrize(
    ("version", "file"), [("8.2.3", "appendonlydir/appendonly.aof.1.base.rdb"), ("6.2.14", "appendonly.aof")]
)
def test_switching_appendonly_on_takes_the_dump_over(version, file, tmp_path):
    dump = DUMP if version == "8.2.3" else b"REDIS0009" + DUMP[9:]
    planned, switched = prepared(tmp_path, dump, version=version)

    assert prepare_data(switched, AT) == ("created the append-only file from the dump",)
    assert Path(planned.data, file).read_bytes() == dump
    assert prepare_data(switched, AT) == ()


@pytest.mark.faults(94)
def test_an_append_only_file_of_an_earlier_time_is_set_aside_for_the_dump(tmp_path):
    planned, switched = prepared(tmp_path, DUMP)
    (Path(planned.data) / "appendonlydir").mkdir()
    (Path(planned.data) / "appendonlydir/old").write_text("old")

    (note,) = prepare_data(switched, AT)
    aside = note.rpartition("`")[0].rpartition("`")[2]
    assert note.startswith("created the append-only file from the dump, the old one is `")
    assert Path(aside, "old").read_text() == "old"


@pytest.mark.faults(94)
def test_switching_appendonly_off_is_refused_while_its_file_is_newer(tmp_path):
    planned, switched = prepared(tmp_path, DUMP)
    prepare_data(switched, AT)
    os.utime(f"{planned.data}/dump.rdb", (AT, AT))

    with pytest.raises(MachineError) as caught:
        prepare_data(planned, AT)
    assert caught.value.slug == "redis/would-lose-writes"

    os.utime(f"{planned.data}/dump.rdb")
    assert prepare_data(planned, AT) == ()


@pytest.mark.faults(172)
@pytest.mark.parametrize("version", ["8.2.3", "6.2.14"])
@pytest.mark.parametrize("mode", ["", "no", "yes"])
def test_by_default_a_server_never_starts_empty_beside_a_dump(mode, version, tmp_path):
    dump = DUMP if version == "8.2.3" else b"REDIS0009" + DUMP[9:]
    planned = with_dump(tmp_path, dump, version=version)
    if mode:
        Path(planned.data, ".appendonly").write_text(mode)
    if version == "6.2.14":
        Path(planned.data, "appendonly.aof").touch()

    (note,) = prepare_data(planned, AT)
    assert note.startswith("created the append-only file from the dump")
    assert dump in [path.read_bytes() for path in Path(planned.data).rglob("appendonly*") if path.is_file()]


@pytest.mark.faults(172)
def test_parts_of_an_append_only_file_without_its_manifest_are_refused(tmp_path):
    planned = with_dump(tmp_path, DUMP)
    prepare_data(planned, AT)
    manifest = Path(planned.data, "appendonlydir/appendonly.aof.manifest")
    manifest.unlink()

    with pytest.raises(MachineError) as caught:
        prepare_data(planned, AT)
    assert caught.value.causes == (f"`{manifest.parent}`: its manifest is missing",)


@pytest.mark.faults(172)
def test_the_append_only_file_of_an_older_form_is_left_to_the_server(tmp_path):
    planned = with_dump(tmp_path, DUMP)
    Path(planned.data, ".appendonly").write_text("yes")
    Path(planned.data, "appendonly.aof").write_text("*1 writes that the dump has not")

    assert prepare_data(planned, AT) == ()
    assert not Path(planned.data, "appendonlydir").exists()


@pytest.mark.faults(94)
def test_a_base_of_zero_bytes_is_refused(tmp_path):
    planned, switched = prepared(tmp_path, DUMP)
    prepare_data(switched, AT)
    base = f"{planned.data}/appendonlydir/appendonly.aof.1.base.rdb"
    os.truncate(base, 0)

    with pytest.raises(MachineError) as caught:
        prepare_data(switched, AT)
    assert caught.value.causes == (f"`{base}`: it has 0 bytes",)


def test_the_files_of_a_running_server_are_left_alone(tmp_path, monkeypatch):
    planned = with_dump(tmp_path, b"being written")
    folder, name = os.path.split(planned.exports["socket"])
    monkeypatch.chdir(folder)  # a whole path may be too long for a socket's
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()

        assert prepare_data(planned) == ()


@pytest.mark.faults(224)
def test_a_server_whose_folder_was_deleted_does_not_keep_the_folder_from_being_made_again(tmp_path, monkeypatch):
    planned = service(tmp_path)
    folder, name = os.path.split(planned.exports["socket"])
    monkeypatch.chdir(folder)  # a whole path may be too long for a socket's
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()

        prepare_data(planned)

    assert os.path.isdir(planned.data)
