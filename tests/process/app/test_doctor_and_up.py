"""Doctor and `up` agree: what `up` refuses, doctor names first, and what `up` repairs, doctor doesn't find again."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from devboot.app.preparation.prepare import PrepareOptions, prepare
from devboot.cli.commands.init_doctor import doctor as fix_all
from devboot.cli.error_report import report
from devboot.cli.session import Session
from devboot.daemon.views.timings import Start, keep
from devboot.errors import DevbootError
from devboot.events import SilentReporter
from devboot.locks import FileLock
from devboot.state.project import find_project
from devboot.supervisor.last_success import keep_success
from tests.fakes.broken_projects import BREAKS, PYTHON, Shop, damage_page, make_copy
from tests.fakes.wheels import write_wheel
from tests.process.conftest import searched
from tests.process.test_store_filesystems import can_mount


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache for uv that all projects share."""
    return tmp_path_factory.mktemp("uv-cache")


@contextmanager
def closing_all(held):
    """Hold a context manager, or nothing."""
    if hasattr(held, "__enter__"):
        with held:
            yield
    else:
        yield


def listing(folder):
    """All files below a folder with their times and sizes."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            seen = os.lstat(path)
            found[path] = (seen.st_mtime_ns if name in files else 0, seen.st_size if name in files else 0, seen.st_mode)
    return found


WAITS = [pytest.param(way, marks=[pytest.mark.slow] * (way.up == "sqlite/locked")) for way in BREAKS]


@pytest.mark.parametrize("way", WAITS, ids=[way.name for way in BREAKS])
def test_doctor_names_first_what_up_refuses_and_finds_nothing_that_up_has_repaired(way, tmp_path, cache):
    shop = Shop(tmp_path, cache, with_python=way.with_python, with_tool=way.with_tool)
    assert shop.up() == ""
    assert shop.findings() == []
    way.apply(shop)
    with closing_all(way.held(shop)):
        before = listing(shop.root)

        found = shop.findings()

        assert listing(shop.root) == before  # doctor only looks
        assert [way.doctor] * bool(way.doctor) == [each.slug for each in found[:1]], found
        refused = shop.up()
        assert refused == way.up
        if refused:  # until somebody mends it, and doctor still offers the same
            again = shop.findings()
            assert [(each.slug, each.fix) for each in found[:1]] == [(each.slug, each.fix) for each in again[:1]]
            assert refused == shop.up()
        if not refused and not way.stays:
            assert [] == shop.findings()


# What has changed since the project last worked


@pytest.fixture
def working(tmp_path, cache):
    """A project with a package that is up without errors, as its daemon would record it."""
    shop = Shop(tmp_path, cache)
    assert shop.up() == ""
    keep_success(shop.plan())
    return shop


def test_doctor_says_nothing_of_changes_while_all_is_well(working):
    assert working.report().changes == ""
    working.edit("http.server", "http.server -v")
    assert working.report().changes == ""  # nothing is wrong


def test_doctor_names_changed_files_and_the_lock_beside_its_findings(working):
    working.edit('"shelf"', '"shelf>=1"')
    with (working.root / "devboot.lock").open("a") as lock:
        lock.write("# edited\n")

    assert working.report().changes == (
        "since it last worked, a moment ago: devboot.lock changed; edited: devboot.toml"
    )


def test_what_was_prepared_since_is_named_without_values(working):
    working.edit("http.server", "http.server -v")
    working.add('[env]\nKEY = "s3cret"')
    write_wheel(str(working.wheels), "book", "2.0", files={"book.py": ""})
    working.edit('["shelf"]', '["shelf", "book"]')
    assert working.up() == ""
    (working.root / "migrations/2.sql").write_text("create table page (number);")

    assert working.report().changes == (
        "since it last worked, a moment ago: packages: book 2.0 is new; variables: KEY is new; processes: web changed; "
        "devboot.lock changed; edited: migrations/*.sql"
    )


def test_after_the_way_back_nothing_prepared_has_changed(working):
    working.edit("http.server", "http.server -v")
    assert working.up() == ""
    working.edit("http.server -v", "http.server")
    assert working.up() == ""

    assert not (working.state / "changed").exists()


def test_a_preparation_that_fails_says_first_what_has_changed(working, capsys):
    working.add("[env]\nKEY = { required = true }")
    session = Session(working.context())

    with pytest.raises(DevbootError) as raised:
        prepare(working.context(), PrepareOptions(), SilentReporter())
    report(raised.value, session, "up", ["up"])

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "since it last worked, a moment ago: edited: devboot.toml"
    assert said[1].startswith("error[env/missing]")


def test_a_fix_says_what_it_costs_in_seconds(working, capsys):
    keep(str(working.state), Start(0.0, False, 14.2, {}), ())
    shutil.rmtree(working.packages / "shelf-1.0.dist-info")

    fix_all(Session(working.context()), (), only_list=False, strict=False, fix=True, yes=False, dry_run=True)

    assert capsys.readouterr().err.endswith("puts the locked versions back; what was added stays, about 14.2 s\n")


def test_what_a_fix_has_mended_beside_its_own_finding_is_not_named_as_left(tmp_path, cache, capsys):
    shop = Shop(tmp_path, cache, with_python=True)
    write_wheel(str(shop.wheels), "shelf", "1.0", files={"shelf-1.0.data/scripts/shelve": "#!/bin/sh\n"})
    shop.edit("python -m http.server", "shelve")
    assert shop.up() == ""
    shutil.rmtree(shop.packages / "shelf-1.0.dist-info")
    (shop.root / ".venv/bin/shelve").unlink()
    assert {each.fix.use_case for each in shop.findings()} == {"sync", ""}

    code = fix_all(Session(shop.context()), (), only_list=False, strict=True, fix=True, yes=True)

    assert capsys.readouterr().err.endswith("\n1 fixed and checked again\n")
    assert code == 0


FIXED = sorted((way for way in BREAKS if way.fix), key=lambda way: way.with_python)  # quick ones first


@pytest.mark.parametrize("way", searched(FIXED, quick=10), ids=[way.name for way in FIXED])
def test_after_the_fix_all_is_well_and_nothing_is_lost(way, tmp_path, cache):
    shop = Shop(tmp_path, cache, with_python=way.with_python, with_tool=way.with_tool)
    assert shop.up() == ""
    way.apply(shop)

    assert [way.fix.format(folder=tmp_path)] == shop.fix()

    pending = ["sqlite/pending-migrations"] if "there is a copy" in way.name else []  # the copy is of before those
    assert pending == [each.slug for each in shop.findings()]
    assert shop.up() == ""
    assert [] == shop.findings()
    assert [] == shop.fix()


# What others do meanwhile


class Answering(Session):
    """A session whose user does something before the answer, which is yes."""

    def __init__(self, context, meanwhile):
        super().__init__(context)
        self.meanwhile = meanwhile

    @property
    def can_ask(self):
        return True

    def is_yes(self):
        self.meanwhile()
        return True


@pytest.fixture
def damaged(tmp_path, cache):
    """A project with a damaged database of which there is a copy."""
    shop = Shop(tmp_path, cache)
    assert shop.up() == ""
    make_copy(shop)
    damage_page(shop)
    return shop


def fix(session):
    return fix_all(session, ("sqlite",), only_list=False, strict=False, fix=True, yes=False)


def test_a_database_that_was_replaced_at_the_question_is_left_alone(damaged, tmp_path, capsys):
    with closing(sqlite3.connect(tmp_path / "good")) as database:
        database.execute("create table by_hand (a)")
    good = (tmp_path / "good").read_bytes()

    fix(Answering(damaged.context(), lambda: damaged.database.write_bytes(good)))

    assert "1 of 1  sqlite: already resolved, nothing done\n" in capsys.readouterr().err
    assert damaged.database.read_bytes() == good
    assert [] == list(damaged.root.glob("db.sqlite3.2*"))


def test_nothing_is_repaired_while_another_command_prepares_the_project(damaged, capsys):
    before = damaged.database.read_bytes()
    context = damaged.context()
    context = context._replace(output=context.output._replace(no_wait=True))

    with FileLock(find_project(context.cwd, context.environ).prepare_lock, "sync"):
        code = fix(Answering(context, lambda: None))

    said = capsys.readouterr().err
    assert "[busy/locked]" in said
    assert "1 of 1  sqlite: not fixed\n" in said
    assert code != 0
    assert damaged.database.read_bytes() == before
    assert fix(Answering(context, lambda: None)) == 0  # now nobody else does
    assert [before] == [each.read_bytes() for each in damaged.root.glob("db.sqlite3.2*")]


# Layouts in which all is well: doctor finds nothing before the first `up` and after it.


def plain(shop):
    return None


def of_git(shop):
    subprocess.run(["git", "init", "-q", shop.root], check=True, env={**shop.environ, "GIT_CONFIG_GLOBAL": os.devnull})
    (shop.root / ".gitignore").write_text("db.sqlite3\n.env\n")


def below_a_clone(shop):
    of_git(shop)
    (shop.root / "services/api").mkdir(parents=True)
    for name in ("devboot.toml", "migrations"):
        (shop.root / name).rename(shop.root / "services/api" / name)
    return shop.root / "services/api"


def with_a_virtualenv(shop):
    shop.add(PYTHON)


def with_a_list(shop):
    (shop.root / "requirements.txt").write_text("shelf==1.0\n")
    shop.add('[python]\nrequirements = ["requirements.txt"]')


def with_a_lock_of_pipenv(shop):
    shop.pin("Pipfile.lock")


def with_a_lock_of_poetry(shop):
    shop.pin("poetry.lock")


def with_a_lock_of_uv(shop):
    shop.pin("uv.lock")


def through_a_link(shop):
    shop.add(PYTHON)
    link = shop.folder / "link"
    link.symlink_to(shop.folder)
    shop.environ |= {"HOME": str(link / "home"), "DEVBOOT_HOME": str(link / "devboot")}
    return link / "shop"


def in_a_folder_with_spaces(shop):
    shop.add(PYTHON)
    place = shop.folder / "my shop, ünder way"
    shop.root.rename(place)
    return place


def of_a_procfile_alone(shop):
    shop.manifest.unlink()
    (shop.root / "Procfile").write_text("web: python3 -m http.server $PORT\n")


def with_variables_of_a_file(shop):
    shop.add("[env]\nKEY = { required = true }")
    (shop.root / ".env").write_text("KEY=1\n")
    (shop.root / ".env.example").write_text("KEY=\n")


LAYOUTS = (
    plain,
    of_git,
    below_a_clone,
    with_a_virtualenv,
    with_a_list,
    with_a_lock_of_pipenv,
    with_a_lock_of_poetry,
    with_a_lock_of_uv,
    through_a_link,
    in_a_folder_with_spaces,
    of_a_procfile_alone,
    with_variables_of_a_file,
)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_in_a_healthy_layout_doctor_finds_nothing(layout, tmp_path, cache):
    shop = Shop(tmp_path, cache, with_python=False)
    cwd = layout(shop)

    assert [] == shop.findings(cwd)
    assert "" == shop.up(cwd)
    assert [] == shop.findings(cwd)
    assert "" == shop.up(cwd)


# What the file system refuses, in mounts of the test's own.

LOOK = """if True:
    import json, sys
    from pathlib import Path
    from tests.fakes.broken_projects import Shop
    shop = Shop(Path(sys.argv[1]), Path(sys.argv[2]), is_there=True)
    print(json.dumps([[each.slug for each in shop.findings() if each.severity == "error"], shop.up()]))
"""
READ_ONLY = "mount --bind {0} {0}; mount -o remount,ro,bind {0}"
NOEXEC = "mount --bind {folder}/devboot {folder}/devboot; mount -o remount,noexec,bind {folder}/devboot"
FULL = "mount -t tmpfs -o {1} none {0}/other; cp -a {0}/devboot/. {0}/other; mount --move {0}/other {0}/devboot"


def pend_migration(shop):
    (shop.root / "migrations/2.sql").write_text("create table page (number);")


def lose_virtualenv(shop):
    shutil.rmtree(shop.root / ".venv")


@pytest.mark.skipif(not can_mount(), reason="no user namespaces here")
@pytest.mark.parametrize(
    ("mounts", "apply", "slug"),
    [
        (READ_ONLY.format("{root}"), plain, ""),
        (READ_ONLY.format("{root}"), lose_virtualenv, "machine/not-writable"),
        (READ_ONLY.format("{root}/db.sqlite3"), pend_migration, "machine/not-writable"),
        (READ_ONLY.format("{folder}/devboot"), plain, "machine/not-writable"),
        (NOEXEC, plain, "machine/noexec"),
        (
            FULL.format("{folder}", "size=200k") + "; head -c 1M /dev/zero > {folder}/devboot/fill",
            plain,
            "machine/disk-full",
        ),
        (
            FULL.format("{folder}", "nr_inodes=60") + "; for i in $(seq 99); do echo > {folder}/devboot/$i; done",
            plain,
            "machine/no-inodes",
        ),
    ],
    ids=["all in place", "no virtualenv", "the database", "devboot's folders", "no programs", "full", "no inodes"],
)
def test_doctor_and_up_agree_on_what_a_file_system_refuses(mounts, apply, slug, tmp_path, cache):
    shop = Shop(tmp_path, cache, with_tool=slug == "machine/noexec")
    assert shop.up() == ""
    apply(shop)
    (tmp_path / "other").mkdir()
    (shop.state / "snapshot").unlink()  # so that `up` has to prepare
    script = mounts.format(root=shop.root, folder=tmp_path)
    look = shlex.join([sys.executable, "-c", LOOK, str(tmp_path), str(cache)])

    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"({script}) 2>/dev/null\nexec {look}"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )

    found, refused = json.loads(done.stdout)
    assert ([slug] * bool(slug), slug) == (found[:1], refused), found
