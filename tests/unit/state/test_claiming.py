"""Whose state and data a folder gets: its own, those it had before it was moved, never another one's."""

import errno
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from devboot.errors import BusyError, MachineError, UsageError
from devboot.paths import project_key
from devboot.state.claiming import Patience, adopt, claim, lock_projects
from devboot.state.project import find_project
from devboot.state.projects import Projects
from devboot.state.records import Identity, Owner, identity_of, read_owner, write_owner

AT = 1_772_357_405.0


def nobody(_state, _path):
    return ""


@pytest.fixture
def projects(at_home):
    return Projects.from_environ(at_home)


@pytest.fixture
def claimed(projects):
    """Claim the folders of a project; what is told about it."""
    return lambda root, holder=nobody: claim(projects, str(root), holder, lambda: AT, dict(os.environ))


@pytest.fixture
def shop(tmp_path, claimed, projects):
    """A project with a database of its own."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "devboot.toml").touch()
    assert claimed(root) == ()
    write(projects.data_of(str(root)), "services/redis/dump.rdb", "precious")
    write(projects.state_of(str(root)), "logs/web.log", "a line")
    return root


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def dump(projects, root):
    path = Path(projects.data_of(str(root)), "services/redis/dump.rdb")
    return path.read_text() if path.exists() else ""


needs_birth = pytest.mark.skipif(
    not identity_of(os.path.dirname(__file__)).birth, reason="the filesystem tells no time of birth"
)


def test_folders_are_private_and_claiming_them_again_changes_nothing(projects, shop, claimed):
    for folder in (projects.state_of(str(shop)), projects.data_of(str(shop))):
        assert os.stat(folder).st_mode & 0o777 == 0o700
    assert claimed(shop) == ()
    assert dump(projects, shop) == "precious"


@needs_birth
@pytest.mark.faults(190)
def test_a_project_that_was_moved_keeps_its_data(projects, shop, claimed, at_home):
    moved = shop.rename(shop.with_name("store"))
    found = find_project(str(moved), at_home)  # before anything is renamed, too
    assert os.path.exists(os.path.join(found.state, "logs/web.log"))

    told = claimed(moved)

    assert told == (f"this project was moved here from `{shop}`, with its data",)
    assert dump(projects, moved) == "precious"
    assert os.path.exists(os.path.join(projects.state_of(str(moved)), "logs/web.log"))
    assert not os.path.exists(projects.data_of(str(shop)))
    assert claimed(moved) == ()


@pytest.mark.faults(191)
@pytest.mark.parametrize("make", [shutil.copytree, lambda old, new: os.mkdir(new)], ids=["copy", "clone"])
def test_another_folder_at_the_same_path_does_not_get_the_data_silently(projects, shop, claimed, make):
    old = shop.rename(shop.with_name("old"))
    make(old, shop)

    (told,) = claimed(shop)

    assert dump(projects, shop) == ""
    name = told.partition("`devboot state adopt ")[2].partition("`")[0]
    assert name.startswith(os.path.basename(projects.data_of(str(shop))) + ".2026-")
    assert os.path.exists(os.path.join(projects.data, name, "services/redis/dump.rdb"))
    shutil.rmtree(old)
    assert adopt(projects, str(shop), name, nobody, lambda: AT) == ""
    assert dump(projects, shop) == "precious"
    assert claimed(shop) == ()


@needs_birth
def test_what_was_put_aside_is_found_again_by_the_folder_that_it_belongs_to(projects, shop, claimed):
    old = shop.rename(shop.with_name("old"))
    shop.mkdir()
    claimed(shop)

    (told,) = claimed(old)

    assert told.startswith("this project was moved here")
    assert (dump(projects, old), dump(projects, shop)) == ("precious", "")


@pytest.mark.faults(191)
def test_a_copy_elsewhere_begins_with_nothing_and_takes_nothing(projects, shop, claimed):
    copy = shutil.copytree(shop, shop.with_name("copy"))

    assert claimed(copy) == ()
    assert (dump(projects, copy), dump(projects, shop)) == ("", "precious")


def test_what_a_folder_had_until_another_is_adopted_is_kept(projects, shop, claimed):
    other = shop.with_name("other")
    other.mkdir()
    claimed(other)
    write(projects.data_of(str(other)), "secrets.toml", "KEY = '1'")

    kept = adopt(projects, str(other), os.path.basename(projects.data_of(str(shop))), nobody, lambda: AT)

    assert dump(projects, other) == "precious"
    assert os.path.exists(os.path.join(projects.data, kept, "secrets.toml"))


@pytest.mark.parametrize("name", ["nothing", "..", "../projects", ".lock", ""])
def test_a_name_that_is_none_is_refused(projects, shop, name):
    with pytest.raises(UsageError) as caught:
        adopt(projects, str(shop), name, nobody, lambda: AT)
    assert caught.value.slug == "state/unknown"


def test_a_project_whose_folder_is_gone_adopts_nothing(projects, shop):
    name = os.path.basename(projects.data_of(str(shop)))
    with pytest.raises(UsageError) as caught:
        adopt(projects, str(shop / "gone"), name, nobody, lambda: AT)
    assert caught.value.slug == "usage/no-directory"


@needs_birth
@pytest.mark.faults(86, 192)
@pytest.mark.parametrize("case", ["moved", "replaced"])
def test_nothing_is_renamed_under_a_process_that_uses_it(projects, shop, claimed, case):
    moved = shop.rename(shop.with_name("moved"))
    if case == "replaced":
        shop.mkdir()
    asked = []

    def holder(state, path):
        asked.append((state, path))
        return "daemon (pid 7)"

    with pytest.raises(BusyError) as caught:
        claimed(moved if case == "moved" else shop, holder)

    assert (caught.value.slug, caught.value.help) == ("state/in-use", ("devboot down",))
    assert asked == [(projects.state_of(str(shop)), str(shop))]
    assert dump(projects, shop) == "precious"


def test_a_rename_that_was_interrupted_is_completed(projects, shop, claimed):
    moved = shop.rename(shop.with_name("moved"))
    os.rename(projects.data_of(str(shop)), projects.data_of(str(moved)))  # and then it was killed

    claimed(moved)

    assert dump(projects, moved) == "precious"
    assert read_owner(projects.data_of(str(moved))).path == str(moved)


def test_a_reused_inode_is_no_identity_without_a_time_of_birth():
    assert not Identity(1, 2, 3).is_same_as(Identity(1, 2, 4))
    assert Identity(1, 2, 3).is_same_as(Identity(9, 2, 3))  # devices are numbered anew at each boot
    assert Identity(1, 2, 0).is_same_as(Identity(1, 2, 4))
    assert not Identity(1, 2, 0).is_same_as(Identity(9, 2, 0))


@pytest.mark.parametrize(
    "damage",
    [
        *(
            lambda path, text=text: path.write_text(text)
            for text in ("", "{", "[]", '{"path": 1}', json.dumps({"path": "/x", "device": "a"}))
        ),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.symlink_to(path)),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: path.unlink(),
    ],
    ids=["empty", "cut", "list", "half", "text", "directory", "loop", "pipe", "gone"],
)
@pytest.mark.parametrize("which", ["both", "data", "state"])
def test_folders_whose_record_cannot_be_read_are_put_aside_with_a_line(projects, shop, claimed, damage, which):
    for name, folder in [("data", projects.data_of(str(shop))), ("state", projects.state_of(str(shop)))]:
        if which in (name, "both"):
            damage(Path(folder, "project.json"))
    (shop / "devboot.toml").unlink()
    shop.rmdir()
    shop.mkdir()  # another clone

    (told,) = claimed(shop)

    name = told.partition("`devboot state adopt ")[2].partition("`")[0]
    assert "set aside" in told
    assert dump(projects, shop) == ""
    assert not os.path.exists(os.path.join(projects.state_of(str(shop)), "logs"))
    assert claimed(shop) == ()
    adopt(projects, str(shop), name, nobody, lambda: AT)
    assert dump(projects, shop) == "precious"


def test_folders_whose_record_cannot_be_read_stay_while_a_process_uses_them(projects, shop, claimed):
    for folder in (projects.state_of(str(shop)), projects.data_of(str(shop))):
        write(folder, "project.json", "{")
    with pytest.raises(BusyError):
        claimed(shop, lambda state, _path: "daemon (pid 7)" if state == projects.state_of(str(shop)) else "")
    assert dump(projects, shop) == "precious"


# What earlier versions kept in the clone


@pytest.fixture
def earlier(tmp_path, at_home):
    """A clone in which an earlier devboot has worked, as its registers say."""
    root = tmp_path / "old shop"
    root.mkdir()
    write(str(root), ".devboot/data/services/redis/dump.rdb", "precious")
    write(str(root), ".devboot/data/secrets.toml", "KEY = '1'")
    write(str(root), ".devboot/backup/default.sqlite3", "copy")
    write(at_home["DEVBOOT_HOME"], f"state/ports/{project_key(str(root))}", f"{root}\n6379\n")
    return root


@needs_birth
@pytest.mark.faults(193)
def test_data_that_an_earlier_devboot_kept_in_the_clone_is_taken_over_once(projects, earlier, claimed):
    (told,) = claimed(earlier)

    assert told.startswith("moved the data that an earlier devboot kept here; you can delete the rest: rm -r ")
    assert dump(projects, earlier) == "precious"
    assert sorted(os.listdir(projects.data_of(str(earlier)))) == ["backup", "project.json", "secrets.toml", "services"]
    assert os.listdir(earlier / ".devboot/data") == []
    write(str(earlier), ".devboot/data/services/redis/dump.rdb", "later")
    assert claimed(earlier) == ()
    assert dump(projects, earlier) == "precious"


@needs_birth
@pytest.mark.faults(193)
@pytest.mark.parametrize("point", ["nothing made", "folders made", "half a record", "data recorded", "one moved"])
def test_a_claim_that_was_interrupted_is_completed(projects, earlier, claimed, point):
    data, state = (folder(str(earlier)) for folder in (projects.data_of, projects.state_of))
    if point != "nothing made":
        os.makedirs(data)
        os.makedirs(state)
    if point == "half a record":
        write(data, "project.json.7.ab.tmp", "{")
    elif point in ("data recorded", "one moved"):
        write_owner(data, Owner(str(earlier), identity_of(str(earlier))))
    if point == "one moved":
        os.rename(earlier / ".devboot/data/secrets.toml", os.path.join(data, "secrets.toml"))

    (told,) = claimed(earlier)

    assert told.startswith("moved the data that an earlier devboot kept here")
    assert dump(projects, earlier) == "precious"
    assert os.path.exists(os.path.join(data, "secrets.toml"))
    assert claimed(earlier) == ()


@needs_birth
def test_nothing_is_put_into_a_folder_before_its_record(projects, earlier, claimed, monkeypatch):
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", "write/before-rename=enospc")
    with pytest.raises(MachineError):
        claimed(earlier)
    assert sorted(os.listdir(earlier / ".devboot/data")) == ["secrets.toml", "services"]
    assert os.listdir(projects.data_of(str(earlier))) == []


@pytest.mark.faults(193)
@pytest.mark.parametrize("case", ["unknown", "another path", "another folder", "tracked", "link", "data is a link"])
def test_data_that_a_clone_brought_is_left_where_it_is(projects, earlier, claimed, at_home, case, tmp_path):
    register = f"{at_home['DEVBOOT_HOME']}/state/ports/{project_key(str(earlier))}"
    place = earlier / ".devboot/data"
    if case == "unknown":
        os.unlink(register)
    elif case == "another path":
        write("/", register, "/somewhere/else\n")
    elif case == "another folder":
        os.utime(register, (1, 1))  # the clone is younger than the record
    elif case == "tracked":
        subprocess.run(["git", "init", "-q"], cwd=earlier, check=True)
        subprocess.run(["git", "add", "-f", ".devboot/data/secrets.toml"], cwd=earlier, check=True)
    elif case == "link":
        (earlier / ".devboot").rename(tmp_path / "elsewhere")
        (earlier / ".devboot").symlink_to(tmp_path / "elsewhere")
    else:
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")

    told = claimed(earlier)

    assert dump(projects, earlier) == ""
    assert not os.path.exists(os.path.join(projects.data_of(str(earlier)), "secrets.toml"))
    assert (place / "secrets.toml").exists()
    assert all(text.startswith(".devboot/data is not used: ") for text in told)
    assert len(told) == (0 if "link" in case else 1)


def test_a_link_among_the_data_is_not_followed(projects, earlier, claimed, tmp_path):
    (tmp_path / "victim").write_text("precious")
    (earlier / ".devboot/data/services/link").symlink_to(tmp_path / "victim")

    claimed(earlier)

    assert (tmp_path / "victim").read_text() == "precious"


@needs_birth
@pytest.mark.parametrize("case", ["with data", "without data"])
def test_generations_of_an_earlier_devboot_which_hold_secrets_are_removed(projects, earlier, claimed, case):
    write(str(earlier), ".devboot/generations/1", "TOKEN=canary")
    if case == "without data":
        shutil.rmtree(earlier / ".devboot/data")
        shutil.rmtree(earlier / ".devboot/backup")

    told = claimed(earlier)

    assert told[0] == "removed .devboot/generations, in which an earlier devboot kept secrets"
    assert not (earlier / ".devboot/generations").exists()
    assert dump(projects, earlier) == ("precious" if case == "with data" else "")


@needs_birth
@pytest.mark.parametrize("case", ["unknown", "tracked", "link"])
def test_generations_that_a_clone_brought_are_left_where_they_are(earlier, claimed, at_home, case, tmp_path):
    place = earlier / ".devboot/generations"
    write(str(earlier), ".devboot/generations/1", "TOKEN=canary")
    if case == "unknown":
        os.unlink(f"{at_home['DEVBOOT_HOME']}/state/ports/{project_key(str(earlier))}")
    elif case == "tracked":
        subprocess.run(["git", "init", "-q"], cwd=earlier, check=True)
        subprocess.run(["git", "add", "-f", ".devboot/generations/1"], cwd=earlier, check=True)
    else:
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")

    claimed(earlier)

    assert (place / "1").read_text() == "TOKEN=canary"


def refused(number):
    """A `rename` that fails with `number` for what is in the clone."""
    rename = os.rename

    def refusing(source, target):
        if ".devboot/data" in str(source):
            raise OSError(number, os.strerror(number), source)
        rename(source, target)

    return refusing


@needs_birth
@pytest.mark.faults(193)
def test_data_on_another_filesystem_is_on_the_disk_before_the_original_goes(projects, earlier, claimed, monkeypatch):
    fsync, is_broken = os.fsync, True
    synced = set()

    def observed(descriptor):
        found = os.fstat(descriptor)
        if is_broken and found.st_size == len("precious"):
            raise OSError(errno.EIO, "a disk with errors")
        synced.add(found.st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "rename", refused(errno.EXDEV))
    monkeypatch.setattr(os, "fsync", observed)
    with pytest.raises(MachineError):
        claimed(earlier)
    assert (earlier / ".devboot/data/services/redis/dump.rdb").read_text() == "precious"

    is_broken = False
    claimed(earlier)
    assert dump(projects, earlier) == "precious"
    services = Path(projects.data_of(str(earlier)), "services")
    assert {path.stat().st_ino for path in (services, services / "redis", services / "redis/dump.rdb")} <= synced
    assert os.listdir(earlier / ".devboot/data") == []
    assert not services.with_name("services.new").exists()


@needs_birth
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EBUSY])
def test_data_that_cannot_be_renamed_for_another_reason_is_not_copied(earlier, claimed, projects, monkeypatch, number):
    monkeypatch.setattr(os, "rename", refused(number))
    with pytest.raises(MachineError):
        claimed(earlier)
    assert (earlier / ".devboot/data/services/redis/dump.rdb").read_text() == "precious"
    assert sorted(os.listdir(projects.data_of(str(earlier)))) == ["project.json"]


def test_a_running_earlier_daemon_keeps_its_data(projects, earlier, claimed):
    with pytest.raises(BusyError):
        claimed(earlier, lambda _state, path: "daemon (pid 7)" if path == str(earlier) else "")
    assert (earlier / ".devboot/data/secrets.toml").exists()


def test_the_time_of_birth_is_that_of_the_folder(tmp_path):
    before = time.time_ns()
    folder = tmp_path / "new"
    folder.mkdir()
    found = identity_of(str(folder))

    assert (found.device, found.inode) == (folder.stat().st_dev, folder.stat().st_ino)
    assert not found.birth or abs(found.birth - before) < 60_000_000_000
    assert identity_of(str(tmp_path / "nothing")) is None


def test_a_claim_says_for_whom_it_waits_and_gives_up_when_told(projects, tmp_path):
    root, told = tmp_path / "shop", []
    root.mkdir()
    with lock_projects(projects):
        for seconds in (0.0, 1.1):
            with pytest.raises(BusyError) as caught:
                claim(projects, str(root), nobody, lambda: AT, {}, Patience(seconds, told.append))
            assert (caught.value.slug, len(told)) == ("busy/locked", int(seconds))
    assert told[0].pid == os.getpid()
    assert claim(projects, str(root), nobody, lambda: AT, {}, Patience(0.0)) == ()
