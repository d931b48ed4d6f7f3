"""Transfers of our own against a server that does everything wrong: cases 1 to 12 of the fault list."""

import hashlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from devboot.errors import IntegrityError, MachineError, NetworkError
from tests.fakes.checkpoints import checkpoints
from tests.fakes.fault_server import Reply, whole_file
from tests.process.sources.conftest import HASTE, Client
from tests.process.sources.toy import BODY, SHA256, said, wanted


def partial(client, content, notes=""):
    """What an earlier transfer has left."""
    folder = Path(client.cache, "downloads")
    folder.mkdir(parents=True)
    (folder / f"{SHA256}.part").write_bytes(content)
    if notes:
        (folder / f"{SHA256}.part.json").write_text(notes)


def left(client):
    """The files in the cache, locks aside."""
    folder = Path(client.cache, "downloads")
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "locks" not in path.parts
    )


def test_a_file_comes_whole_and_once(client, server):
    url = server.on("/toy.tgz", whole_file(BODY))
    path = client.fetch(wanted(url))

    assert Path(path).read_bytes() == BODY
    assert left(client) == [SHA256]
    assert client.fetch(wanted(url)) == path
    assert len(server.requests) == 1
    assert (client.progress[-1].done, client.progress[-1].total, client.progress[-1].unit) == (len(BODY),) * 2 + (
        "bytes",
    )


def test_a_file_of_unknown_size_comes_whole(client, server):
    path = client.fetch(wanted(server.on("/toy.tgz", Reply(BODY)), size=-1))

    assert Path(path).read_bytes() == BODY


def test_damage_in_the_cache_is_found_and_fetched_again(client, server):
    url = server.on("/toy.tgz", whole_file(BODY))
    path = client.fetch(wanted(url))
    Path(path).write_bytes(BODY[:-1])

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert len(server.requests) == 2


def test_what_a_server_calls_encoded_is_taken_as_it_is(client, server):
    url = server.on("/toy.tgz", Reply(BODY, headers={"Content-Encoding": "gzip"}))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.faults(1)
def test_a_host_that_refuses_is_unreachable(client):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        port = taken.getsockname()[1]
        with pytest.raises(NetworkError) as caught:
            client.fetch(wanted(f"http://user:secret@127.0.0.1:{port}/toy.tgz?sign=1"))

    lines = [line.replace(str(port), "PORT") for line in said(caught)]
    assert caught.value.exit_code == 4
    assert [line if not line.startswith("tried 4 times in") else "tried" for line in lines] == [
        "network/unreachable",
        "could not fetch toy 1.0.0: 127.0.0.1:PORT can't be reached",
        "connection refused",
        "tried",
        "`http://***@127.0.0.1:PORT/toy.tgz?***`, as recipes/toy/recipe.toml says",
        "check the connection or VPN, then run the same command again",
        "behind a proxy: export HTTPS_PROXY=http://proxy.example.test:3128",
    ]
    assert left(client) == []
    assert len(client.retries) == 3


@pytest.mark.faults(2)
def test_a_server_that_stumbles_is_asked_again(client, server):
    url = server.on("/toy.tgz", Reply(status=500), Reply(BODY, reset_after=0), whole_file(BODY))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert len(server.requests) == 3
    assert len(client.retries) == 2
    assert client.retries[0] == f"127.0.0.1:{server.port}: it answered 500, trying again"


@pytest.mark.faults(2)
def test_a_server_may_ask_to_wait(tmp_path, server):
    url = server.on("/toy.tgz", Reply(status=429, headers={"Retry-After": "0"}), whole_file(BODY))
    client = Client(tmp_path, {})
    client.fetch(wanted(url))
    assert len(server.requests) == 2

    url = server.on("/busy.tgz", Reply(status=503, headers={"Retry-After": "3600"}))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url, sha256="0" * 64))
    assert caught.value.slug == "network/http-503"
    assert "it asks to wait 1 h" in " ".join(caught.value.causes)
    assert len(server.requests) == 3


@pytest.mark.faults(3)
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(status, client, server, tmp_path):
    url = server.on("/toy.tgz", Reply(status=status))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    with pytest.raises(NetworkError) as with_login:
        client.fetch(wanted(url))

    assert caught.value.slug == f"network/http-{status}"
    assert caught.value.what == f"127.0.0.1:{server.port} answered {status} to the request for toy 1.0.0"
    assert caught.value.causes == (f"`{url}`, as recipes/toy/recipe.toml says", "a login was sent: no")
    assert with_login.value.causes[1] == "a login was sent: yes"
    assert "s3cret" not in str(said(with_login))
    assert len(server.requests) == 2
    assert left(client) == []


@pytest.mark.faults(4)
def test_a_stalled_transfer_goes_on_where_it_stopped(tmp_path, server):
    stalls = Reply(BODY, headers={"ETag": '"1"'}, stall_after=300_000)
    url = server.on("/toy.tgz", stalls, whole_file(BODY))
    client = Client(tmp_path, {}, read_seconds=3.0)

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert server.requests[1].headers["range"] == "bytes=300000-"
    assert "it stopped sending" in client.retries[0]


@pytest.mark.faults(4)
def test_a_server_that_stalls_for_good_is_named(tmp_path, server):
    url = server.on("/toy.tgz", Reply(BODY, stall_after=0))
    client = Client(tmp_path, {}, read_seconds=2.0, patience=HASTE._replace(tries=2))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url))

    assert caught.value.slug == "network/stalled"
    assert caught.value.what == f"could not fetch toy 1.0.0: 127.0.0.1:{server.port} stopped sending"
    assert len(server.requests) == 2


@pytest.mark.faults(5)
@pytest.mark.parametrize("length", [None, -1])
def test_a_body_that_ends_early_is_continued(length, client, server):
    cut = Reply(BODY, headers={"ETag": '"1"'}, stop_after=500_000, length=length)
    url = server.on("/toy.tgz", cut, whole_file(BODY))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert server.requests[1].headers["range"] == "bytes=500000-"
    assert server.requests[1].headers["if-range"] == '"1"'
    assert len(client.retries) == 1


@pytest.mark.faults(5)
def test_a_server_that_always_ends_early_is_named_with_both_sizes(client, server):
    url = server.on("/toy.tgz", Reply(BODY, stop_after=1000))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url))

    assert caught.value.slug == "network/short-body"
    assert "1.0 kB of 768.0 kB came" in caught.value.causes
    assert caught.value.kept == ("1.0 kB of it; the next try continues there",)
    assert f"{SHA256}.part" in left(client)


FETCH = """if True:
    import random, sys, time
    from devboot.events import RecordingReporter
    from devboot.sources.transfers.download import Clock, Downloads
    from devboot.sources.transfers.transfer import Download
    from devboot.sources.transfers.network import network_of
    cache, url, sha256, size = sys.argv[1:]
    clock = Clock(time.monotonic, time.time, random.random)
    Downloads(cache, network_of({}), clock, RecordingReporter()).fetch(
        Download(url, sha256, int(size), "toy", "toy", "a recipe")
    )
"""


def fetch_in_child(client, url, point):
    environ = {**os.environ, "PYTHONPATH": os.getcwd(), "DEVBOOT_TEST": "1", "DEVBOOT_FAIL_POINT": point}
    command = [sys.executable, "-c", FETCH, client.cache, url, SHA256, str(len(BODY))]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=90)


@pytest.mark.faults(6, 29)
@pytest.mark.parametrize("point", [name for name in checkpoints("sources") if name.startswith("download/")])
def test_a_transfer_killed_anywhere_is_finished_by_the_next(point, client, server):
    url = server.on("/toy.tgz", whole_file(BODY))
    assert fetch_in_child(client, url, f"{point}=kill").returncode == -9
    part = Path(client.cache, "downloads", f"{SHA256}.part")
    here = part.stat().st_size if part.exists() else 0

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert left(client) == [SHA256]
    if 0 < here < len(BODY):
        assert server.requests[1].headers["range"] == f"bytes={here}-"
        assert server.requests[1].headers["if-range"] == '"1"'
        assert client.notes == [f"resuming at {100 * here // len(BODY)} %"]


@pytest.mark.faults(6)
def test_a_changed_file_is_not_continued(client, server):
    url = server.on("/toy.tgz", Reply(b"old" * 1000, headers={"ETag": '"0"'}, stop_after=1500), whole_file(BODY))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert server.requests[1].headers["if-range"] == '"0"'
    assert len(server.requests) == 2


@pytest.mark.faults(6)
def test_bytes_of_two_files_are_fetched_once_more(client, server):
    partial(client, b"old" * 1000)  # nobody knows what file that was
    url = server.on("/toy.tgz", whole_file(BODY))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert [asked.headers.get("range") for asked in server.requests] == ["bytes=3000-", None]


@pytest.mark.faults(7)
def test_a_server_without_ranges_begins_anew(client, server):
    partial(client, BODY[:400_000])
    url = server.on("/toy.tgz", Reply(BODY))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert server.requests[0].headers["range"] == "bytes=400000-"
    assert len(server.requests) == 1


WRONG_RANGES = {
    "an earlier start": Reply(BODY[:], 206, {"Content-Range": f"bytes 0-{len(BODY) - 1}/{len(BODY)}"}),
    "another total": Reply(BODY[9:], 206, {"Content-Range": "bytes 400000-400008/400009"}),
    "no range": Reply(BODY[400_000:], 206),
    "nonsense": Reply(BODY[400_000:], 206, {"Content-Range": "bytes x-y/z"}),
    "a whole that is a part": Reply(
        BODY[400_000:], 200, {"Content-Range": f"bytes 400000-{len(BODY) - 1}/{len(BODY)}"}
    ),
}


@pytest.mark.faults(8)
@pytest.mark.parametrize("wrong", WRONG_RANGES.values(), ids=WRONG_RANGES)
def test_another_part_than_was_asked_for_is_never_written(wrong, client, server):
    partial(client, BODY[:400_000])
    url = server.on("/toy.tgz", wrong, Reply(BODY))

    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert len(server.requests) == 2


@pytest.mark.faults(8)
def test_a_server_that_sends_parts_unasked_is_named(client, server):
    url = server.on("/toy.tgz", WRONG_RANGES["another total"])
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url))

    assert caught.value.slug == "network/bad-range"
    assert len(server.requests) == 1


@pytest.mark.faults(9)
@pytest.mark.parametrize("here", [BODY, BODY + b"more", b"x" * len(BODY)], ids=["whole", "longer", "wrong"])
@pytest.mark.parametrize("size", [len(BODY), -1])
def test_a_part_that_is_a_whole_is_judged_by_its_digest(here, size, client, server):
    partial(client, here)
    url = server.on("/toy.tgz", whole_file(BODY))

    assert Path(client.fetch(wanted(url, size=size))).read_bytes() == BODY
    assert len(server.requests) <= 2
    if here == BODY and size > 0:
        assert server.requests == []


@pytest.mark.faults(10)
def test_wrong_bytes_are_set_aside_and_nothing_is_retried(client, server):
    url = server.on("/toy.tgz", Reply(b"x" * len(BODY)))
    with pytest.raises(IntegrityError) as caught:
        client.fetch(wanted(url))

    computed = hashlib.sha256(b"x" * len(BODY)).hexdigest()
    assert caught.value.exit_code == 5
    assert said(caught) == [
        "integrity/hash-mismatch",
        "toy 1.0.0 is not the file that was locked",
        "expected sha256:SHA256",
        f"computed sha256:{computed}",
        "the download is damaged, the file was replaced after it was locked, or somebody has tampered with it",
        f"`{url}`, as recipes/toy/recipe.toml says",
        "devboot lock --update toy",
        f"the wrong bytes, for inspection: {client.cache}/downloads/quarantine/SHA256",
        "nothing of it is used",
    ]
    assert left(client) == [f"quarantine/{SHA256}"]
    assert len(server.requests) == 1


@pytest.mark.faults(10)
@pytest.mark.parametrize("length", [None, -1])
def test_a_login_page_is_recognised(length, client, server):
    page = b"\n<!DOCTYPE html><title>Welcome to our hotel</title>"
    url = server.on("/toy.tgz", Reply(page, length=length))
    with pytest.raises(IntegrityError) as caught:
        client.fetch(wanted(url))

    assert caught.value.causes[:2] == (
        "the body looks like an HTML page: a login page of the network, or a proxy's",
        "51 B came instead of 768.0 kB",
    )
    assert caught.value.help[0] == "log in to the network, then run the same command again"


@pytest.mark.faults(10, 56)
def test_an_endless_body_ends_at_the_locked_size(client, server):
    url = server.on("/toy.tgz", Reply(BODY, length=-1, repeat=True))
    with pytest.raises(IntegrityError) as caught:
        client.fetch(wanted(url))

    assert caught.value.causes[0] == "more than the 768.0 kB came that were locked"
    assert Path(client.cache, "downloads/quarantine", SHA256).stat().st_size < 2 * len(BODY)


@pytest.mark.faults(12)
def test_a_full_disk_keeps_what_came(client, server, monkeypatch):
    url = server.on("/toy.tgz", whole_file(BODY))
    monkeypatch.setenv("DEVBOOT_TEST", "1")
    monkeypatch.setenv("DEVBOOT_FAIL_POINT", "download/writing=enospc")
    with pytest.raises(MachineError) as caught:
        client.fetch(wanted(url))
    assert caught.value.slug == "machine/disk-full"
    here = Path(client.cache, "downloads", f"{SHA256}.part").stat().st_size
    assert here > 0

    monkeypatch.delenv("DEVBOOT_FAIL_POINT")
    assert Path(client.fetch(wanted(url))).read_bytes() == BODY
    assert server.requests[1].headers["range"] == f"bytes={here}-"


def test_without_a_network_it_says_what_is_missing(tmp_path, server):
    url = server.on("/toy-1.0.0.tgz", whole_file(BODY))
    offline = Client(tmp_path, {}, is_offline=True)
    with pytest.raises(NetworkError) as caught:
        offline.fetch(wanted(url))
    assert said(caught) == [
        "network/offline",
        "toy 1.0.0 isn't on this machine, and the network is off",
        "missing: `toy-1.0.0.tgz`, 768.0 kB",
        f"`{url}`, as recipes/toy/recipe.toml says",
        "run the same command once with the network: without `--offline`, DEVBOOT_OFFLINE and UV_OFFLINE",
    ]
    assert server.requests == []

    path = Client(tmp_path, {}).fetch(wanted(url))
    assert offline.fetch(wanted(url)) == path


@pytest.mark.faults(22)
def test_one_file_wanted_by_many_is_fetched_once(tmp_path, server):
    url = server.on("/toy.tgz", whole_file(BODY))
    paths = []
    clients = [Client(tmp_path, {}) for _ in range(4)]
    threads = [threading.Thread(target=lambda each=each: paths.append(each.fetch(wanted(url)))) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(paths)) == 1
    assert len(paths) == 4
    assert len(server.requests) == 1


@pytest.mark.faults(115)
def test_an_interruption_does_not_wait_for_the_server(client, server):
    url = server.on("/toy.tgz", Reply(BODY, stall_after=300_000))
    raised = []

    def work():
        try:
            client.fetch(wanted(url))
        except NetworkError as error:
            raised.append(error.slug)

    thread = threading.Thread(target=work)
    thread.start()
    while not client.progress:
        thread.join(0.01)
    client.downloads.cancel()
    thread.join(60)

    assert raised == ["network/cancelled"]


def test_a_document_is_read_up_to_its_limit(client, server):
    url = server.on("/toy", Reply(status=502), Reply(b"{}"))
    assert client.downloads.read(wanted(url), {"Accept": "x/y"}, most=2) == b"{}"
    assert server.requests[1].headers["accept"] == "x/y"
    with pytest.raises(IntegrityError, match="longer than"):
        client.downloads.read(wanted(url), {}, most=1)


def test_an_interruption_while_bytes_flow_keeps_them_for_the_next_time(client, server):
    url = server.on("/toy.tgz", whole_file(BODY), whole_file(BODY))
    transfer = []

    def interrupt(event):
        if event.done and not transfer:
            transfer.append(threading.current_thread())
            client.downloads.stopping.set()  # as if `cancel` had got no further when the next bytes came

    emit = client.downloads.reporter.emit
    client.downloads.reporter.emit = lambda event: (emit(event), interrupt(event))
    with pytest.raises(NetworkError) as caught:
        client.fetch(wanted(url))
    transfer[0].join()

    assert caught.value.slug == "network/cancelled"
    assert caught.value.kept == ("the downloaded part",)
    assert left(client) == [f"{SHA256}.part", f"{SHA256}.part.json"]


def test_an_interrupted_download_of_an_unknown_digest_promises_no_continuation(client, server):
    url = server.on("/toy.tgz", whole_file(BODY))
    emit = client.downloads.reporter.emit
    client.downloads.reporter.emit = lambda event: (emit(event), client.downloads.stopping.set())
    with pytest.raises(NetworkError) as caught:
        client.downloads.measure(wanted(url))

    assert ("network/cancelled", ()) == (caught.value.slug, caught.value.kept)
    assert ("run the same command again",) == caught.value.help
    assert left(client) == []
