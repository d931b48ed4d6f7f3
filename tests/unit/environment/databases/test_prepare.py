"""Databases: made once, migrated whole or not at all, damage refused and kept."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from devboot.environment.databases import (
    Database,
    Prepared,
    Surroundings,
    aside_command,
    backup_database,
    look_at,
    plan_database,
    prepare_database,
    schema_cookie,
)
from devboot.environment.databases.backup import backups_of
from devboot.environment.databases.condition import examine, is_on_network
from devboot.errors import BusyError, MachineError, ManifestError, Problems, WorkError

AT = time.mktime((2026, 3, 1, 9, 30, 5, 0, 0, -1))


@pytest.fixture
def around(tmp_path):
    (tmp_path / "migrations").mkdir()
    return Surroundings(str(tmp_path), str(tmp_path / "data"), AT, busy=0.05)


def database(around, *, migrations=True, **more):
    pattern = f"{around.root}/migrations/*.sql" if migrations else None
    return Database("default", f"{around.root}/var/db.sqlite3", migrations=pattern, **more)


def write(around, name, text):
    path = Path(around.root, name)
    path.write_text(text)
    return str(path)


def query(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def tables(path):
    return [row[0] for row in query(path, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]


def test_a_database_without_wishes_gets_its_folder_and_no_file(around):
    assert prepare_database(database(around, migrations=False), around) == Prepared(is_new=False)
    assert os.listdir(f"{around.root}/var") == []


def test_pragmas_persist_in_a_file_that_is_not_empty(around):
    pragmas = {
        "journal_mode": "wal",
        "page_size": "8192",
        "application_id": "0x2a",
        "user_version": "7",
        "auto_vacuum": "full",
    }
    wanted = database(around, migrations=False, pragmas=pragmas)
    assert prepare_database(wanted, around) == Prepared(is_new=True)

    kept = {name: query(wanted.path, f"PRAGMA {name}")[0][0] for name in pragmas}
    assert kept == {"journal_mode": "wal", "page_size": 8192, "application_id": 42, "user_version": 7, "auto_vacuum": 1}
    assert prepare_database(wanted, around) == Prepared(is_new=False)


def test_a_page_size_that_comes_too_late_is_told(around):
    wanted = database(around, migrations=False, pragmas={"page_size": "8192", "journal_mode": "wal"})
    os.makedirs(os.path.dirname(wanted.path))
    query(wanted.path, "CREATE TABLE a (b)")

    notes = ("`page_size` keeps its value 4096: SQLite can't change this pragma in a file that has tables",)
    assert prepare_database(wanted, around) == Prepared(is_new=False, notes=notes)
    assert query(wanted.path, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("journal_mode", "fast", "an SQLite file can store one of `delete`, `wal`"),
        ("user_version", "two", "an SQLite file can store an integer"),
    ],
)
def test_values_that_sqlite_would_ignore_are_refused(name, value, cause, around):
    with pytest.raises(Problems) as caught:
        prepare_database(database(around, migrations=False, pragmas={name: value}), around)

    assert caught.value.errors[0].what == f"pragma `{name}` of database `default` can't be `{value}`"
    assert caught.value.errors[0].causes == (cause,)


@pytest.mark.faults(102)
def test_a_network_filesystem_gets_no_wal(around):
    mounts = f"server:/x {around.root} nfs4 rw 0 0\n/dev/sda / ext4 rw 0 0\n"
    wanted = database(around, migrations=False, pragmas={"journal_mode": "wal"})

    notes = ("`journal_mode` remains `delete`: the file is on a network filesystem, where `wal` loses data",)
    assert prepare_database(wanted, around._replace(mounts=mounts)) == Prepared(is_new=True, notes=notes)
    assert query(wanted.path, "PRAGMA journal_mode") == [("delete",)]


def test_the_longest_mount_point_decides():
    mounts = "a / ext4 rw\nb /home nfs rw\nc /home/ada\\040b ext4 rw\n"

    paths = ("/srv/db", "/home/eve/db", "/home/ada b/db", "/homes/db")
    assert [is_on_network(path, mounts) for path in paths] == [False, True, False, False]
    assert is_on_network("/srv/db", "server:/x / nfs4 rw\n")


def test_migrations_run_in_the_order_of_their_names_and_once(around):
    write(around, "migrations/0002_b.sql", "BEGIN; ALTER TABLE a ADD COLUMN c; INSERT INTO a VALUES (1, ';'); COMMIT;")
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    wanted = database(around)

    applied = ("migrations/0001_a.sql", "migrations/0002_b.sql")
    assert prepare_database(wanted, around) == Prepared(is_new=True, applied=applied)
    assert prepare_database(wanted, around) == Prepared(is_new=False)
    assert query(wanted.path, "SELECT * FROM a") == [(1, ";")]


def test_a_later_migration_comes_after_a_backup(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b); INSERT INTO a VALUES (1);")
    wanted = database(around)
    prepare_database(wanted, around)
    write(around, "migrations/0002_b.sql", "DROP TABLE a;")

    prepared = prepare_database(wanted, around)
    assert prepared.backup == f"{around.data}/backup/default-2026-03-01T093005.1.sqlite3"
    assert query(prepared.backup, "SELECT * FROM a") == [(1,)]
    assert os.stat(prepared.backup).st_mode & 0o777 == 0o600
    assert tables(wanted.path) == ["devboot_migrations"]


def test_a_changed_migration_is_told_and_not_applied_again(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    prepare_database(database(around), around)
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b, c);")

    notes = ("`migrations/0001_a.sql` has changed since it was applied, and isn't applied again",)
    assert prepare_database(database(around), around).notes == notes


@pytest.mark.faults(100)
def test_a_failing_migration_leaves_all_as_the_one_before_left_it(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    write(
        around,
        "migrations/0002_b.sql",
        "CREATE TABLE c (d);\nALTER TABLE a ADD COLUMN e;\n  INSERT INTO nowhere VALUES (1);\n",
    )
    write(around, "migrations/0003_c.sql", "CREATE TABLE f (g);")
    wanted = database(around)
    with pytest.raises(WorkError) as caught:
        prepare_database(wanted, around)

    error = caught.value
    assert (error.slug, error.exit_code) == ("sqlite/migration", 1)
    assert error.what == "migration `migrations/0002_b.sql` failed, and was rolled back"
    assert error.causes == ("no such table: nowhere",)
    assert (error.place.file, error.place.line, error.place.column, error.place.width) == (
        "migrations/0002_b.sql",
        3,
        3,
        31,
    )
    assert tables(wanted.path) == ["a", "devboot_migrations"]
    assert query(wanted.path, "SELECT name FROM devboot_migrations WHERE kind = 'migration'") == [
        ("migrations/0001_a.sql",)
    ]

    write(around, "migrations/0002_b.sql", "CREATE TABLE c (d);")
    prepared = prepare_database(wanted, around)
    assert prepared.applied == ("migrations/0002_b.sql", "migrations/0003_c.sql")
    assert tables(prepared.backup) == ["a", "devboot_migrations"]


@pytest.mark.faults(115)
def test_an_interrupt_between_statements_rolls_back(around, monkeypatch):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b); CREATE TABLE c (d);")

    def interrupt(name):
        if name == "database/statement":
            raise KeyboardInterrupt

    monkeypatch.setattr("devboot.environment.databases.prepare.fail_point", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare_database(database(around), around)

    assert tables(database(around).path) == ["devboot_migrations"]
    monkeypatch.undo()
    assert prepare_database(database(around), around).applied == ("migrations/0001_a.sql",)


def test_a_pattern_without_files_is_a_mistake_in_the_manifest(around):
    with pytest.raises(ManifestError) as caught:
        prepare_database(database(around), around)

    assert (
        caught.value.what == f"database `default` has no migrations: no file matches `{around.root}/migrations/*.sql`"
    )


def test_a_new_database_is_seeded_once_after_its_migrations(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    seed = write(
        around, "seed.sql", "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nINSERT INTO a VALUES (1);\nCOMMIT;\n"
    )
    wanted = database(around, seed=seed)

    assert prepare_database(wanted, around).applied == ("migrations/0001_a.sql", "seed.sql")
    query(wanted.path, "SELECT 1")
    assert prepare_database(wanted, around).applied == ()
    assert query(wanted.path, "SELECT * FROM a") == [(1,)]


def test_a_database_that_was_there_is_never_seeded(around):
    wanted = database(around, migrations=False, seed=write(around, "seed.sql", "INSERT INTO a VALUES (1);"))
    os.makedirs(os.path.dirname(wanted.path))
    query(wanted.path, "CREATE TABLE a (b)")

    assert prepare_database(wanted, around).applied == ()


@pytest.mark.faults(98)
def test_a_database_that_stays_locked_names_who_has_it(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    wanted = database(around)
    os.makedirs(os.path.dirname(wanted.path))
    with closing(sqlite3.connect(wanted.path, isolation_level=None)) as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BusyError) as caught:
            prepare_database(wanted, around)

    assert (caught.value.slug, caught.value.exit_code) == ("sqlite/locked", 7)
    assert caught.value.what == f"the database `{wanted.path}` is locked"


def damaged(around, damage, *, seen=True):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);" + "INSERT INTO a VALUES (zeroblob(5000));" * 20)
    wanted = database(around)
    if damage == "directory":
        os.makedirs(wanted.path)
        return wanted
    prepare_database(wanted, around)
    if not seen:
        os.unlink(f"{around.data}/stamps/database-default")
    with open(wanted.path, "r+b") as stream:
        if damage == "zero":
            stream.truncate(0)
        elif damage == "truncated":
            stream.truncate(10000)
        elif damage == "header":
            stream.write(b"garbage!")
        else:
            stream.seek(4096 * 3)
            stream.write(b"\xff" * 4096)
    return wanted


@pytest.mark.faults(99)
@pytest.mark.parametrize("damage", ["zero", "truncated", "header", "page"])
def test_a_damaged_database_is_refused_until_somebody_moves_it_aside(damage, around):
    wanted = damaged(around, damage)
    before = Path(wanted.path).read_bytes()
    for _ in range(2):
        with pytest.raises(MachineError) as caught:
            prepare_database(wanted, around)

        assert (caught.value.slug, caught.value.exit_code) == ("sqlite/damaged", 6)
        assert caught.value.what == "the database `default` is damaged"
        assert Path(wanted.path).read_bytes() == before

    (advice,) = caught.value.help
    subprocess.run(["sh", "-c", advice], check=True)
    assert Path(f"{wanted.path}.damaged").read_bytes() == before
    assert prepare_database(wanted, around).is_new


def test_advice_about_a_damaged_database_replaces_no_earlier_one_and_takes_its_log_along(around):
    wanted = damaged(around, "header")
    for name in (f"{wanted.path}.damaged", f"{wanted.path}-wal"):
        Path(name).write_bytes(b"earlier" if name.endswith("damaged") else b"log")

    subprocess.run(["sh", "-c", aside_command(wanted.path)], check=True)

    folder = os.path.dirname(wanted.path)
    name = os.path.basename(wanted.path)
    assert sorted(os.listdir(folder)) == [f"{name}.damaged", f"{name}.damaged-2", f"{name}.damaged-2-wal"]
    assert Path(f"{wanted.path}.damaged").read_bytes() == b"earlier"


def test_advice_about_a_damaged_database_names_its_sound_copy_and_stops_a_running_project_first(around):
    wanted = damaged(around, "header", seen=False)
    os.makedirs(around.backups)
    sound, newer = (f"{around.backups}/default-2026-0{month}-01T000000.sqlite3" for month in (1, 2))
    query(sound, "CREATE TABLE a (b)")
    Path(newer).write_bytes(b"damaged, too")

    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around._replace(is_running=True))

    restore, aside = caught.value.help
    assert restore == f"devboot down && devboot doctor --fix sqlite   # restores the copy `{sound}`"
    assert aside.startswith(f"devboot down && mv {wanted.path} {wanted.path}.damaged ")


@pytest.mark.faults(99)
def test_a_file_of_zero_bytes_that_devboot_never_saw_whole_counts_as_missing(around):
    assert prepare_database(damaged(around, "zero", seen=False), around).is_new


@pytest.mark.faults(99)
def test_a_directory_in_its_place_is_refused_and_stays(around):
    wanted = damaged(around, "directory")
    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around)

    assert caught.value.causes == ("it is a directory",)
    assert caught.value.help == (f"mv {wanted.path} {wanted.path}.damaged   # the next `up` makes an empty one",)
    assert os.path.isdir(wanted.path)


@pytest.mark.faults(99)
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_pipe_or_a_link_to_nothing_in_its_place_is_refused_at_once_and_stays(kind, around):
    wanted = database(around, migrations=False)
    os.makedirs(os.path.dirname(wanted.path))
    if kind == "pipe":
        os.mkfifo(wanted.path)
    else:
        os.symlink("/nowhere/db", wanted.path)
    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around)

    assert caught.value.causes == (
        "it isn't a file" if kind == "pipe" else "it is a link to `/nowhere/db`, which isn't there",
    )
    assert caught.value.help == (f"mv {wanted.path} {wanted.path}.damaged   # the next `up` makes an empty one",)
    assert os.path.lexists(wanted.path)


@pytest.mark.faults(150)
@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_a_pipe_beside_a_database_is_refused_before_sqlite_waits_for_it(suffix, around):
    wanted = database(around, migrations=False)
    os.makedirs(os.path.dirname(wanted.path))
    with closing(sqlite3.connect(wanted.path)) as connection, connection:
        connection.execute("CREATE TABLE a (b)")
    os.mkfifo(wanted.path + suffix)

    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around)

    assert "machine/in-the-way" == caught.value.slug
    assert (f"it is a named pipe, not a regular file: `{wanted.path}{suffix}`",) == caught.value.causes


@pytest.mark.faults(152)
@pytest.mark.parametrize("link", ["var/db.sqlite3", "var", "var/db.sqlite3-wal"])
def test_no_database_outside_of_the_project_is_migrated_through_a_link(link, around, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    with closing(sqlite3.connect(outside / "db.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE precious (a)")
    before = (outside / "db.sqlite3").read_bytes()
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    wanted = database(around)
    if link != "var":
        Path(around.root, "var").mkdir()
    if link.endswith("-wal"):
        Path(wanted.path).write_bytes(before)
    os.symlink(outside if link == "var" else outside / "db.sqlite3", Path(around.root, link))

    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around)

    assert link in caught.value.causes[0]
    assert "is a link to" in caught.value.causes[0]
    assert before == (outside / "db.sqlite3").read_bytes()
    assert ["db.sqlite3"] == os.listdir(outside)


@pytest.mark.faults(150)
@pytest.mark.parametrize("kind", ["pipe", "directory", "endless", "large"])
def test_a_migration_that_is_no_readable_file_is_refused_with_what_it_is(kind, around):
    path = Path(around.root, "migrations/0001_a.sql")
    make = {"pipe": os.mkfifo, "directory": os.mkdir, "endless": lambda path: os.symlink("/dev/zero", path)}
    make.get(kind, lambda path: path.touch())(path)
    if kind == "large":
        os.truncate(path, 1 << 30)

    with pytest.raises(ManifestError) as caught:
        prepare_database(database(around), around)

    words = {"pipe": "a named pipe", "directory": "a directory", "endless": "a device", "large": "larger than 256 MB"}
    assert str(path) in caught.value.what
    assert words[kind] in caught.value.causes[0]


@pytest.mark.faults(99)
def test_a_pointer_of_git_lfs_is_left_where_it_is(around):
    wanted = database(around, migrations=False)
    os.makedirs(os.path.dirname(wanted.path))
    Path(wanted.path).write_text("version https://git-lfs.example.test/spec/v1\noid sha256:1\n")
    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around)

    assert caught.value.help == ("git lfs pull",)
    assert os.listdir(os.path.dirname(wanted.path)) == ["db.sqlite3"]


@pytest.mark.faults(99)
def test_the_newest_backup_is_offered(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    wanted = database(around)
    prepare_database(wanted, around)
    backup = backup_database(wanted.path, around.backups, name="default", at=AT)
    os.truncate(wanted.path, 0)
    with pytest.raises(MachineError) as caught:
        prepare_database(wanted, around)

    assert caught.value.help[0] == f"devboot doctor --fix sqlite   # restores the copy `{backup}`"


@pytest.mark.faults(101)
def test_side_files_stay_with_their_database_and_move_with_it(around):
    wanted = damaged(around, "header")
    for ending in ("-wal", "-journal"):
        Path(wanted.path + ending).write_text(ending)
    with pytest.raises(MachineError):
        prepare_database(wanted, around)

    subprocess.run(["sh", "-c", aside_command(wanted.path)], check=True)
    aside = f"{wanted.path}.damaged"
    assert {name: Path(aside + name).read_text() for name in ("-wal", "-journal")} == {
        "-wal": "-wal",
        "-journal": "-journal",
    }


def crashed(around, log, *, migrations=False):
    """Make a database as a crash leaves it: 3000 rows, and one more in its log, or an update that isn't committed."""
    wanted = database(around, migrations=migrations)
    os.makedirs(os.path.dirname(wanted.path))
    origin = f"{around.root}/origin"
    with closing(sqlite3.connect(origin, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("CREATE TABLE a (b)")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO a VALUES (?)", [("row",)] * 3000)
        writer.execute("COMMIT")
        if log == "-wal":
            writer.execute("PRAGMA journal_mode = wal")
            writer.execute("INSERT INTO a VALUES ('last')")
        else:
            writer.execute("BEGIN")
            writer.execute("UPDATE a SET b = 'other'")  # more than the cache holds: also the file is half written
        for suffix in ("", log):
            Path(wanted.path + suffix).write_bytes(Path(origin + suffix).read_bytes())
    return wanted


def contents(around):
    """Return the bytes of all files beside the database, by the end of the name."""
    folder = Path(around.root, "var")
    return {path.name.removeprefix("db.sqlite3"): path.read_bytes() for path in folder.iterdir()}


@pytest.mark.faults(99, 101)
@pytest.mark.parametrize("migrations", [False, True])
@pytest.mark.parametrize("damage", ["zero", "page"])
@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_no_byte_of_a_damaged_database_and_its_log_changes_and_they_move_together(log, damage, migrations, around):
    wanted = crashed(around, log, migrations=migrations)
    if damage == "zero":
        os.truncate(wanted.path, 0)
    else:
        with open(wanted.path, "r+b") as stream:
            stream.seek(8192 if log == "-wal" else 0)
            stream.write(b"\xa5" * 8192)
    Path(wanted.path + "-shm").write_bytes(b"index")
    before = contents(around)
    with pytest.raises(MachineError):
        plan_database(wanted, around, *look_at(wanted.path))
    assert contents(around) == before

    for _ in range(2):
        with pytest.raises(MachineError) as caught:
            prepare_database(wanted, around)

        assert caught.value.slug == "sqlite/damaged"
        assert contents(around) == before
    if damage == "zero":
        assert caught.value.causes == (
            f"it has 0 bytes, and it had content before: its log `{wanted.path}{log}` is still there",
        )
    subprocess.run(["sh", "-c", caught.value.help[-1]], check=True)
    assert contents(around) == {f".damaged{suffix}": kept for suffix, kept in before.items()}


@pytest.mark.faults(101)
@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_a_whole_database_keeps_its_log_until_its_application_opens_it(log, around):
    wanted = crashed(around, log)
    before = contents(around)

    assert prepare_database(wanted, around) == Prepared(is_new=False)
    assert contents(around) == before
    assert query(wanted.path, "SELECT count(*) FROM a WHERE b <> 'other'") == [(3001 if log == "-wal" else 3000,)]


@pytest.mark.faults(101)
@pytest.mark.parametrize("log", ["-wal", "-journal"])
def test_the_log_of_a_database_too_large_to_copy_stays_as_well(log, around):
    wanted = crashed(around, log)
    os.truncate(wanted.path, 65_000_000)  # SQLite ignores what is behind its last page
    before = contents(around)

    assert prepare_database(wanted, around) == Prepared(is_new=False)
    assert {name: kept for name, kept in contents(around).items() if name != "-shm"} == before


@pytest.mark.faults(101)
def test_the_log_of_a_database_in_use_is_read_and_stays(around):
    wanted = crashed(around, "-wal")
    code = (
        "import sqlite3, sys\nwriter = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "writer.execute('INSERT INTO a VALUES (1)')\nprint('ready', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", code, wanted.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout.readline() == b"ready\n"
        before = contents(around)
        prepared = prepare_database(wanted, around)
        after = contents(around)
        user.stdin.close()

    assert prepared == Prepared(is_new=False)
    assert {name: after[name] for name in ("", "-wal")} == {name: before[name] for name in ("", "-wal")}


@pytest.mark.faults(99)
def test_the_journal_of_the_very_first_write_is_no_sign_of_lost_content(around):
    wanted = database(around)
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    os.makedirs(os.path.dirname(wanted.path))
    magic = bytes.fromhex("d9d505f920a163d7")
    Path(wanted.path).touch()
    Path(wanted.path + "-journal").write_bytes((magic + bytes(12) + b"\0\0\2\0\0\0\x10\0").ljust(512, b"\0"))

    assert prepare_database(wanted, around).applied == ("migrations/0001_a.sql",)


@pytest.mark.faults(101)
def test_a_log_without_its_database_is_not_played_into_a_new_one(around):
    write(around, "migrations/0001_a.sql", "CREATE TABLE a (b);")
    wanted = database(around)
    os.makedirs(os.path.dirname(wanted.path))
    Path(wanted.path + "-wal").write_text("old")

    aside = f"{wanted.path}-wal.2026-03-01T093005"
    assert prepare_database(wanted, around).notes == (
        f"`{wanted.path}-wal` was left without its database: moved to `{aside}`",
    )
    assert Path(aside).read_text() == "old"


@pytest.mark.faults(102)
def test_a_backup_is_whole_while_somebody_writes(around, tmp_path):
    path = f"{tmp_path}/db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("CREATE TABLE a (b)")
        writer.execute("BEGIN")
        writer.execute("INSERT INTO a VALUES (1)")
        backup = backup_database(path, around.backups, name="db", at=AT)
        writer.execute("COMMIT")

    assert query(backup, "SELECT * FROM a") == []
    assert os.listdir(around.backups) == [os.path.basename(backup)]


def test_the_five_newest_backups_stay(around, tmp_path):
    query(f"{tmp_path}/db", "CREATE TABLE a (b)")
    made = [backup_database(f"{tmp_path}/db", around.backups, name="db", at=AT + day * 86400) for day in range(7)]
    other = backup_database(f"{tmp_path}/db", around.backups, name="db-2", at=AT)

    assert backups_of(around.backups, "db") == made[:1:-1]
    assert backups_of(around.backups, "db-2") == [other]


@pytest.mark.parametrize("at", [AT - 9 * 3600, AT, AT + 9 * 3600, 0.0])
def test_the_backup_just_made_is_the_newest_whatever_the_clock_says(at, around, tmp_path):
    query(f"{tmp_path}/db", "CREATE TABLE a (b)")
    before = [backup_database(f"{tmp_path}/db", around.backups, name="db", at=AT) for _ in range(6)]

    made = backup_database(f"{tmp_path}/db", around.backups, name="db", at=at)

    assert backups_of(around.backups, "db") == [made, *before[:1:-1]]
    assert os.path.isfile(made)


def test_backups_without_a_number_are_older_than_those_with_one(around, tmp_path):
    query(f"{tmp_path}/db", "CREATE TABLE a (b)")
    os.makedirs(around.backups)
    for name in ("db-2027-01-01T000000.sqlite3", "db-2027-01-02T000000.sqlite3"):
        Path(around.backups, name).touch()

    made = backup_database(f"{tmp_path}/db", around.backups, name="db", at=AT)

    newest, *others = backups_of(around.backups, "db")
    assert newest == made
    assert [os.path.basename(each) for each in others] == [
        "db-2027-01-02T000000.sqlite3",
        "db-2027-01-01T000000.sqlite3",
    ]


def test_the_schema_cookie_changes_with_the_schema(tmp_path):
    path = f"{tmp_path}/db"
    cookies = [schema_cookie(path)]
    for sql in ("CREATE TABLE a (b)", "INSERT INTO a VALUES (1)", "ALTER TABLE a ADD COLUMN c"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(sql)
            connection.commit()
        cookies.append(schema_cookie(path))

    assert cookies == ["-", "00000001", "00000001", "00000002"]
    assert examine(path) == ("whole", "")
