"""Data of another major version that the server can't read: refused, with lines that can be pasted as they are."""

from __future__ import annotations

import errno
import os
import shlex
import shutil
from pathlib import Path

import pytest

from devboot.errors import MachineError
from devboot.recipes import RecipeFolders, bundled_folder
from devboot.services.data import prepare_data
from devboot.services.majors import take_over
from devboot.services.plan import plan_service

RECIPES = RecipeFolders([bundled_folder()])


def postgres(root, version, name="postgres"):
    return plan_service(
        RECIPES.get("postgres").recipe,
        name,
        version,
        {},
        port=5433,
        root=str(root),
        data=f"{root}/data",
        runtime=f"{root}/run",
        programs="/s/bin",
    )


def refusal(root, old, new, name="postgres"):
    """What is said of data of one version where another one is wanted, and the service of that one."""
    os.makedirs(data := postgres(root, old, name).data)
    with open(f"{data}/PG_VERSION", "w", encoding="ascii") as stream:
        stream.write("data\n")
    service = postgres(root, new, name)
    with pytest.raises(MachineError) as caught:
        prepare_data(service)
    assert not os.path.exists(service.data)
    return caught.value, service


@pytest.mark.faults(95)
def test_the_way_out_is_lines_of_the_manifest_and_commands_in_their_order(tmp_path):
    error, service = refusal(tmp_path, "17.12", "18.6", "old")
    data, folder = shlex.quote(service.data), shlex.quote(service.folder)
    restore = (
        "grep -vx 'CREATE ROLE postgres;' old-17.sql"
        f" | devboot run -- psql -Xq -o /dev/null -v ON_ERROR_STOP=1 -h {folder} -p 5433 -U postgres -d postgres"
    )

    assert error.slug == "service/other-major"
    assert error.what == "`old` has data of version 17, which 18.6 can't read"
    assert list(error.help) == [
        'version = "17"  # in [services.old]: keeps the old version',
        f"devboot up -d old && devboot run -- pg_dumpall -h {folder} -p 5433 -U postgres -f old-17.sql && devboot down",
        'version = "18"  # set there again, then',
        f"mkdir {data} && devboot up -d old && {restore}",
        f"mkdir {data}  # starts empty",
    ]


def test_folders_with_blanks_and_quotes_are_one_word_of_the_shell(tmp_path):
    error, service = refusal(tmp_path / "ada's own projects", "17.12", "18.6")
    _, dump, _, restore, empty = error.help

    assert shlex.split(dump)[shlex.split(dump).index("-h") + 1] == service.folder
    assert shlex.split(restore)[shlex.split(restore).index("-h") + 1] == service.folder
    assert shlex.split(restore)[:2] == shlex.split(empty)[:2] == ["mkdir", service.data]


def test_going_back_is_going_on_with_what_the_old_version_had(tmp_path):
    refusal(tmp_path, "17.12", "18.6")
    for version in ("18.6", "17.12"):
        os.makedirs(f"{postgres(tmp_path, version).data}", exist_ok=True)
        with open(f"{postgres(tmp_path, version).data}/PG_VERSION", "w", encoding="ascii") as stream:
            stream.write(version)
    for version in ("18.6", "17.12", "18.6"):
        service = postgres(tmp_path, version)
        assert prepare_data(service) == ()
        with open(f"{service.data}/PG_VERSION", encoding="ascii") as stream:
            assert stream.read() == version


@pytest.mark.faults(12)
@pytest.mark.parametrize("where", ["top", "below/folder"])
def test_a_disk_that_a_copy_fills_is_said_to_be_full_and_gets_its_room_back(where, tmp_path, monkeypatch):
    recipe, place = RECIPES.get("redis").recipe, str(tmp_path)
    service = plan_service(
        recipe, "redis", "8.2.3", {}, port=6379, root=place, data=place, runtime=place, programs="/s/bin"
    )
    old = os.path.join(os.path.dirname(service.data), "redis-7")
    os.makedirs(os.path.join(old, where))
    Path(old, where, "dump.rdb").write_text("data")

    def full(_source, target, **_more):
        raise OSError(errno.ENOSPC, "No space left on device", target)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(MachineError) as caught:
        take_over(service, 0.0, lambda _service: None)

    assert "machine/disk-full" == caught.value.slug
    assert ["redis-7"] == os.listdir(os.path.dirname(old))
