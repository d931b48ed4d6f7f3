"""Redis and Valkey when things go wrong: what is kept, and that their logs are understood."""

import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from devboot.services.data import prepare_data
from devboot.services.plan import plan_service
from devboot.supervisor.output.line_matcher import find_hint
from tests.fakes.ports import free_ports
from tests.recipes.running import RECIPES, VERSIONS, Running, ask, stored

REDISES = [version for version in VERSIONS if version[0] in ("redis", "valkey")]
pytestmark = [pytest.mark.network, pytest.mark.parametrize(("name", "version"), REDISES)]


@pytest.fixture
def planned(name, version, data, tmp_path):
    programs = stored(name, version, data).bin
    port = free_ports()

    def plan(**settings):
        words = {key.replace("_", "-"): (value,) for key, value in settings.items()}
        recipe = RECIPES.get(name).recipe
        return plan_service(
            recipe,
            name,
            version,
            words,
            port=port,
            root=str(tmp_path),
            data=str(tmp_path),
            runtime=data,
            programs=programs,
        )

    prepare_data(plan())
    return plan


def command(*words):
    return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)


def send(port, *words, expect="+OK"):
    return ask(port, command(*words), expect)


def holds_nothing_back(port):
    """Return whether the server has given all writes to the kernel."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(command("INFO", "persistence").encode())
        return b"\r\naof_buffer_length:0\r\n" in connection.recv(65536)


def slugs(running):
    """What the recipe makes of the log, each slug once."""
    found = [
        hint.slug
        for line in running.log.splitlines()
        for hint in running.spec.failure_hints
        if re.search(hint.pattern, line)
    ]
    return list(dict.fromkeys(slug.partition("/")[2] for slug in found))


def fails(service):
    with Running(service, until_ready=False) as running:
        assert running.child.wait(30) != 0
    return slugs(running)


def write_until_it_stops(running):
    """How many writes were acknowledged before the connection ended, with SIGTERM sent in the middle."""
    acknowledged = 0
    with (
        socket.create_connection(("127.0.0.1", running.spec.port), timeout=60) as connection,
        connection.makefile("rb") as answers,
    ):
        try:
            while True:
                connection.sendall(command("INCR", "count").encode())
                acknowledged = int(answers.readline()[1:])
                if acknowledged == 500:
                    running.child.send_signal(signal.SIGTERM)
        except (OSError, ValueError):
            return acknowledged


@pytest.mark.faults(92)
def test_sigterm_under_write_load_loses_no_acknowledged_write(planned):
    with Running(planned()) as running:
        acknowledged = write_until_it_stops(running)
    assert acknowledged >= 500
    with Running(planned()) as running:
        stored_count = int(send(running.spec.port, "INCRBY", "count", "0", expect=f":{acknowledged}").strip(":\r\n"))

    assert stored_count >= acknowledged


@pytest.mark.faults(92)
def test_after_a_kill_without_appendonly_everything_up_to_the_last_save_is_there(planned):
    for _ in range(2):
        prepare_data(planned(appendonly="no"))
    with Running(planned(appendonly="no")) as running:
        send(running.spec.port, "SET", "k", "saved")
        send(running.spec.port, "SAVE")
        running.child.kill()
        running.child.wait()
    assert prepare_data(planned(appendonly="no")) == ()
    with Running(planned(appendonly="no")) as running:
        assert send(running.spec.port, "GET", "k", expect="$5\r\nsaved") == "$5\r\nsaved\r\n"


@pytest.mark.faults(174)
def test_by_default_a_kill_loses_no_acknowledged_write(planned):
    with Running(planned()) as running:
        for number in range(1000):
            assert send(running.spec.port, "SET", f"key{number}", "v") == "+OK\r\n"
        running.wait_for(lambda: holds_nothing_back(running.spec.port))  # as it does for seconds on a slow disk
        running.child.kill()
        running.child.wait()
    assert prepare_data(planned()) == ()
    with Running(planned()) as running:
        assert send(running.spec.port, "DBSIZE", expect=":1000") == ":1000\r\n"


@pytest.mark.faults(172)
def test_data_of_a_time_without_append_only_file_is_there_with_it(planned):
    before = planned(appendonly="no")
    with Running(before) as running:
        send(running.spec.port, "SET", "k", "v")
    for name in (".appendonly", "appendonlydir", "appendonly.aof"):  # as an earlier devboot left it
        path = Path(before.data, name)
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    prepare_data(planned())
    for number in range(1, 4):
        with Running(planned()) as running:
            assert send(running.spec.port, "GET", "k", expect="$1\r\nv") == "$1\r\nv\r\n"
            assert send(running.spec.port, "INCR", "n", expect=":1") == f":{number}\r\n"
            running.child.kill()
            running.child.wait()
        prepare_data(planned())


@pytest.mark.faults(93)
def test_a_save_that_fails_keeps_it_alive_and_is_understood(planned):
    with Running(planned()) as running:
        send(running.spec.port, "SET", "k", "v")
        shutil.rmtree(running.spec.data)
        running.child.send_signal(signal.SIGTERM)
        running.wait_for(lambda: "save-failed" in slugs(running))
        assert running.child.poll() is None
        running.child.kill()
        running.child.wait()


@pytest.mark.faults(94)
@pytest.mark.parametrize("damage", ["zero", "garbage", "cut", "middle", "newer"])
def test_a_damaged_dump_is_never_started_over_and_the_log_is_understood(damage, planned):
    service = planned(appendonly="no")
    with Running(service) as running:
        for number in range(50):
            send(running.spec.port, "SET", f"key{number}", "v" * 200)
    dump = Path(service.data, "dump.rdb")
    good = dump.read_bytes()
    header = 9
    dump.write_bytes(
        {
            "zero": b"",
            "garbage": b"garbage " * 100,
            "cut": good[: len(good) // 2],
            "middle": good[: len(good) // 2] + b"\xfd" * 64 + good[len(good) // 2 + 64 :],
            "newer": good[: header - 3] + b"099" + good[header:],
        }[damage]
    )

    assert set(fails(service)) <= {"data-unreadable", "data-too-new"}
    assert fails(service) != []
    assert dump.stat().st_size in (0, 800, len(good) // 2, len(good))


@pytest.mark.faults(94)
def test_advice_about_a_damaged_base_of_the_append_only_file_moves_that_file_aside(planned, version):
    if version.startswith("6."):
        pytest.skip("has a single append-only file")
    service = planned(appendonly="yes")
    prepare_data(service)
    with Running(service) as running:
        send(running.spec.port, "SET", "k", "v" * 200)
        base = next(Path(service.data, "appendonlydir").glob("*.base.rdb"))
    base.write_bytes(base.read_bytes()[:-20])

    with Running(service, until_ready=False) as running:
        assert running.child.wait(30) != 0
    hint, line = find_hint(service.spec.failure_hints, running.log.encode())

    assert base.name in line
    assert hint.slug.endswith("/data-unreadable")
    subprocess.run(["sh", "-c", hint.help], check=True)
    prepare_data(service)
    with Running(service) as running:
        assert send(running.spec.port, "SET", "k", "v").startswith("+OK")
    assert Path(service.data, "appendonlydir.unreadable", base.name).exists()


@pytest.mark.faults(94)
def test_switching_appendonly_on_and_off_keeps_the_data(planned):
    prepare_data(planned(appendonly="no"))
    with Running(planned(appendonly="no")) as running:
        send(running.spec.port, "SET", "k", "v")
    for mode in ("yes", "no", "yes"):
        service = planned(appendonly=mode)
        prepare_data(service, 0.0)
        with Running(service) as running:
            assert send(running.spec.port, "GET", "k", expect="$1\r\nv") == "$1\r\nv\r\n"
            assert send(running.spec.port, "INCR", mode, expect=":1").startswith(":")


@pytest.mark.faults(94)
@pytest.mark.parametrize("damage", ["cut", "middle"])
def test_a_cut_log_is_taken_and_a_damaged_one_is_refused(damage, planned):
    service = planned(appendonly="yes")
    prepare_data(service)
    with Running(service) as running:
        for number in range(50):
            send(running.spec.port, "SET", f"key{number}", "value")
    log = max((path for path in Path(service.data).rglob("*.aof")), key=lambda path: path.stat().st_size)
    good = log.read_bytes()
    if damage == "cut":
        log.write_bytes(good[:-5])
        with Running(service) as running:
            assert send(running.spec.port, "GET", "key48", expect="$5\r\nvalue") == "$5\r\nvalue\r\n"
    else:
        log.write_bytes(good[:300] + b"XXXXXXXXXXXX" + good[312:])
        assert fails(service) == ["data-unreadable"]
        assert log.read_bytes() == good[:300] + b"XXXXXXXXXXXX" + good[312:]


@pytest.mark.faults(96)
def test_while_it_loads_it_says_so_instead_of_pong(planned):
    with Running(planned(rdbcompression="no", appendonly="no")) as running:
        for number in range(80):  # clients are served every 2 MB
            send(running.spec.port, "SET", f"key{number}", "v" * 100_000)
    slow = planned(key_load_delay="20000", appendonly="no")
    with Running(slow, until_ready=False) as running:
        running.wait_for(lambda: running.answer().startswith(running.spec.ready.loading))
        running.child.kill()
        running.child.wait()


@pytest.mark.faults(97)
def test_it_listens_on_loopback_and_a_private_socket_only(planned):
    with Running(planned()) as running:
        listening = [
            row.split()[1].rpartition(":")[0]
            for table in ("tcp", "tcp6")
            for row in Path("/proc/net", table).read_text().splitlines()[1:]
            if int(row.split()[1].rpartition(":")[2], 16) == running.spec.port and row.split()[3] == "0A"
        ]
        assert set(listening) <= {"0100007F", "00000000000000000000000001000000"}
        assert os.stat(planned().exports["socket"]).st_mode & 0o777 == 0o700


@pytest.mark.faults(89)
def test_a_port_that_was_taken_in_the_meantime_is_understood(planned):
    with socket.create_server(("127.0.0.1", planned().spec.port)):
        assert fails(planned()) == ["in-use"]


def test_it_keeps_the_environment_that_it_is_known_by(planned):
    with Running(planned()) as running:
        assert b"LC_ALL=C" in Path(f"/proc/{running.child.pid}/environ").read_bytes().split(b"\0")


def test_a_setting_that_it_does_not_know_is_understood(planned):
    assert fails(planned(nonsense="1")) == ["bad-setting"]
    assert fails(planned(maxmemory="lots")) == ["bad-setting"]


def test_a_locale_that_the_machine_lacks_does_not_stop_it(planned, monkeypatch):
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    with Running(planned()) as running:
        assert running.answer() == "+PONG\r\n"
