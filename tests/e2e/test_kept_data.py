"""What people have written into Redis and SQLite survives kills, full disks, damage and failing migrations."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3

import pytest

from devboot.environment.variables.secrets import load_secrets
from tests.e2e.conftest import eventually, fetch
from tests.e2e.test_projects import is_up, rows

pytestmark = pytest.mark.network


def redis_at(here):
    """Where Redis listens, and what lets in: host, port, password."""
    host, _, port = here.ps()["redis"]["address"].rpartition(":")
    return host, int(port), load_secrets(here.data)["services.redis.password"]


def ask(address, *words: str) -> str:
    """One command to Redis; the first line of its answer."""
    *place, password = address
    with socket.create_connection(tuple(place), 5) as connection:
        connection.sendall(
            f"AUTH {password}\r\n".encode()
            + b"".join([b"*%d\r\n" % len(words), *(b"$%d\r\n%s\r\n" % (len(w), w.encode()) for w in words)])
        )
        answers = connection.makefile("rb")
        answers.readline()
        return answers.readline().decode().strip()


def dump(here):
    """Where Redis keeps its data."""
    return here.data / "services/redis/redis-8/dump.rdb"


def ran_once(here):
    """Have something in both, with nothing running."""
    here.devboot("up", "-d")
    assert "1" == fetch(here.url("web", "/visit"))
    fetch(here.url("web", "/add?kept"))
    here.devboot("down")
    assert dump(here).stat().st_size > 0


def everything_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# Redis


@pytest.mark.faults(92)
def test_redis_comes_back_after_a_kill_and_loses_nothing_at_down(counter):
    here = counter
    here.devboot("up", "-d")
    killed = here.ps()["redis"]["pid"]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: here.ps()["redis"]["phase"] == "ready" and here.ps()["redis"]["pid"] != killed)
    assert 1 == here.ps()["redis"]["restarts"]

    address = redis_at(here)
    for number in range(500):
        assert f":{number + 1}" == ask(address, "INCR", "visits")
    here.devboot("down")

    here.devboot("up", "-d")
    assert "501" == fetch(here.url("web", "/visit"))


@pytest.mark.faults(93)
def test_a_redis_that_cannot_save_is_named_and_its_data_is_kept(counter):
    here = counter
    ran_once(here)
    here.devboot("up", "-d")
    before = dump(here).read_bytes()
    dump(here).rename(here.root / "dump")
    (dump(here) / "in the way").mkdir(parents=True)  # even root can't put a file there
    ask(redis_at(here), "SET", "unsaved", "1")

    child = here.start("down")
    said = ""
    while "help:" not in said:  # before it is killed, not afterwards
        line = child.stderr.readline()
        assert line, said
        said += line
    assert "error[redis/save-failed]: redis can't save its data, so it refuses to stop" in said
    assert any("redis-server" in line for line in here.processes())
    shutil.rmtree(dump(here))
    (here.root / "dump").rename(dump(here))
    assert before == dump(here).read_bytes()
    os.kill(here.ps()["redis"]["pid"], signal.SIGTERM)  # once more, now that there is room
    child.communicate(timeout=60)
    assert 1 == child.returncode
    assert [] == here.left()
    here.devboot("up", "-d")
    assert ":1" == ask(redis_at(here), "EXISTS", "unsaved")
    assert "2" == fetch(here.url("web", "/visit"))


@pytest.mark.faults(94)
@pytest.mark.parametrize("how", ["truncated", "garbage", "zero bytes"])
def test_redis_never_starts_empty_over_data_that_it_cannot_read(counter, how):
    here = counter
    ran_once(here)
    whole = dump(here).read_bytes()
    dump(here).write_bytes({"truncated": whole[:-10], "garbage": b"x" * len(whole), "zero bytes": b""}[how])
    before = everything_below(dump(here).parent)

    refused = here.devboot("up", "-d", code=6)

    assert "error[redis/data-unreadable]" in refused.stderr
    assert "dump.rdb" in refused.stderr
    assert "help: mv " in refused.stderr
    assert before == everything_below(dump(here).parent)
    assert [] == here.left()
    doctor = here.devboot("doctor", code=1)
    assert "redis/data-unreadable" in doctor.stdout

    dump(here).write_bytes(whole)
    here.devboot("up", "-d")
    assert "2" == fetch(here.url("web", "/visit"))


@pytest.mark.faults(94)
def test_the_advice_about_unreadable_data_works_and_deletes_nothing(counter):
    here = counter
    ran_once(here)
    dump(here).write_bytes(b"x" * 200)
    refused = here.devboot("up", "-d", code=6)
    advice = next(line.removeprefix("help: ") for line in refused.stderr.splitlines() if line.startswith("help: mv "))

    assert 0 == os.system(f"cd '{here.root}' && {advice}")

    here.devboot("up", "-d")
    assert "2" == fetch(here.url("web", "/visit"))  # the append-only file has it
    assert b"x" * 200 in [path.read_bytes() for path in dump(here).parent.parent.rglob("*") if path.is_file()]


@pytest.mark.faults(95)
def test_data_of_a_newer_redis_is_refused_before_it_starts(counter):
    here = counter
    ran_once(here)
    whole = dump(here).read_bytes()
    dump(here).write_bytes(b"REDIS0099" + whole[9:])

    refused = here.devboot("up", "-d", code=3)

    assert "error[redis/data-too-new]" in refused.stderr
    assert "99" in refused.stderr
    assert b"REDIS0099" == dump(here).read_bytes()[:9]
    assert [] == here.left()


@pytest.mark.faults(96)
def test_redis_is_ready_when_it_has_loaded_its_data(counter):
    here = counter
    ran_once(here)
    here.devboot("up", "-d")
    # Data that takes a while to load: the port is open meanwhile, and a PING gets -LOADING.
    address = redis_at(here)
    assert "+OK" == ask(
        address, "EVAL", "for i = 1, 300000 do redis.call('SET', i, i) end return redis.status_reply('OK')", "0"
    )
    here.devboot("down")

    here.devboot("up", "-d")

    assert ":300001" == ask(redis_at(here), "DBSIZE")
    assert "2" == fetch(here.url("web", "/visit"))


# SQLite


@pytest.mark.faults(99)
@pytest.mark.parametrize("how", ["truncated", "header", "zero bytes"])
def test_a_damaged_database_is_named_and_left_alone(counter, how):
    here = counter
    ran_once(here)
    path = here.root / "data/words.sqlite3"
    whole = path.read_bytes()
    damaged = {"truncated": whole[:5000], "header": b"x" * 100 + whole[100:], "zero bytes": b""}[how]
    path.write_bytes(damaged)

    refused = here.devboot("up", "-d", code=6)

    assert "error[sqlite/damaged]" in refused.stderr
    assert "words.sqlite3" in refused.stderr
    assert [damaged] == [each.read_bytes() for each in path.parent.iterdir()]  # where it was
    assert [] == here.left()

    path.write_bytes(whole)
    here.devboot("up", "-d")
    assert "kept" == fetch(here.url("web", "/words"))


@pytest.mark.faults(99)
def test_a_directory_in_place_of_a_database(counter):
    (counter.root / "data/words.sqlite3").mkdir(parents=True)

    refused = counter.devboot("up", "-d", code=6)

    assert "words.sqlite3" in refused.stderr
    assert [] == counter.left()


@pytest.mark.faults(100)
def test_a_migration_that_fails_leaves_the_database_as_it_was(counter):
    here = counter
    ran_once(here)
    folder = here.root / "migrations"
    (folder / "0002.sql").write_text("create table second (a text);\n")
    (folder / "0003.sql").write_text("create table third (a text);\ninsert into words values ('third');\nnonsense;\n")
    (folder / "0004.sql").write_text("create table fourth (a text);\n")

    failed = here.devboot("up", "-d", code=1)

    assert "error[sqlite/migration]" in failed.stderr
    assert "0003.sql" in failed.stderr
    assert "nonsense" in failed.stderr
    assert [] == here.left()
    tables = "select name from sqlite_master where name in ('second', 'third', 'fourth')"
    assert "third" not in str(rows(here.root / "data/words.sqlite3", tables))
    assert [("kept",)] == rows(here.root / "data/words.sqlite3", "select word from words")
    (backup,) = (here.data / "backup").iterdir()
    assert [("kept",)] == rows(backup, "select word from words")

    (folder / "0003.sql").write_text("create table third (a text);\n")
    here.devboot("up", "-d")
    assert "kept" == fetch(here.url("web", "/words"))
    assert 3 == len(rows(here.root / "data/words.sqlite3", tables))


@pytest.mark.faults(101)
def test_a_journal_that_a_crash_left_is_replayed_not_removed(counter):
    here = counter
    ran_once(here)
    path = here.root / "data/words.sqlite3"
    program = (
        "import os, signal, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('pragma cache_size = 1')\n"
        "c.execute('begin immediate')\n"
        "c.executemany('insert into words values (?)', [('x' * 500,)] * 2000)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    here.devboot("run", "--", "python", "-c", program, str(path), code=-signal.SIGKILL)
    assert (here.root / "data/words.sqlite3-journal").stat().st_size > 0

    here.devboot("doctor", code=None)
    here.devboot("up", "-d")

    assert "kept" == fetch(here.url("web", "/words"))
    is_up(here, "redis", "web")


@pytest.mark.faults(101)
def test_a_log_that_a_crash_left_is_read(counter):
    here = counter
    manifest = here.root / "devboot.toml"
    manifest.write_text(
        manifest.read_text().replace("[databases.default]", "[databases.default]\npragmas = { journal_mode = 'wal' }")
    )
    ran_once(here)
    path = here.root / "data/words.sqlite3"
    writer = sqlite3.connect(path)
    writer.execute("insert into words values ('in the log')")
    writer.commit()
    copy = {
        path.with_name(f"{path.name}{end}"): path.with_name(f"{path.name}{end}").read_bytes() for end in ("", "-wal")
    }
    writer.close()
    for where, data in copy.items():
        where.write_bytes(data)

    here.devboot("up", "-d")

    assert "kept in the log" == fetch(here.url("web", "/words"))
