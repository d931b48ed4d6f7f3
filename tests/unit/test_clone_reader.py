"""The one reader of clones: nothing that it is pointed at can hang it, fill the memory or be read in part."""

from __future__ import annotations

import errno
import os
import socket
import threading
import tomllib
from pathlib import Path

import pytest

import devboot
from devboot.clone_reader import (
    file_digest,
    open_kit,
    parse_json,
    parse_toml,
    read_bytes,
    read_env_file,
    read_head,
    read_text,
    read_toml,
)

READERS = (read_bytes, read_text, lambda path: read_head(path, 10), read_toml, file_digest, open_kit, read_env_file)


def link_loop(path):
    os.symlink(path, path)


def sparse(path):
    with open(path, "wb") as stream:
        stream.truncate(1 << 30)


def listening_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


@pytest.mark.parametrize("read", READERS[:-1])
@pytest.mark.parametrize(
    ("make", "number", "said"),
    [
        (os.mkfifo, errno.ENXIO, "a named pipe, not a regular file"),
        (listening_socket, errno.ENXIO, "a socket, not a regular file"),
        (os.mkdir, errno.EISDIR, "a directory, not a regular file"),
        (lambda path: os.symlink("/dev/zero", path), errno.ENXIO, "a device, not a regular file"),
        (lambda path: os.symlink("/dev/tty", path), errno.ENXIO, "a device, not a regular file"),
        (link_loop, errno.ELOOP, "symbolic links"),
        (lambda path: os.symlink("/nowhere", path), errno.ENOENT, "No such file"),
    ],
    ids=["pipe", "socket", "directory", "endless", "terminal", "loop", "dangling"],
)
@pytest.mark.faults(150)
def test_only_a_regular_file_is_read_and_the_error_names_what_is_there(tmp_path, monkeypatch, make, number, said, read):
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    make("here")

    with pytest.raises(OSError, match=said) as caught:
        read("here")

    assert (number, "here") == (caught.value.errno, caught.value.filename)


@pytest.mark.faults(150)
@pytest.mark.parametrize("read", [read_bytes, read_text, read_toml, file_digest, read_env_file])
def test_a_file_above_the_limit_is_refused_before_it_is_read(tmp_path, read):
    path = f"{tmp_path}/large"
    sparse(path)

    with pytest.raises(OSError, match=r"larger than \d+ MB, the limit for such files") as caught:
        read(path)

    assert (errno.EFBIG, path) == (caught.value.errno, caught.value.filename)


@pytest.mark.faults(150)
def test_a_file_that_says_it_is_empty_is_bounded_as_well():
    with pytest.raises(OSError, match="larger than 0 MB") as caught:
        read_bytes("/proc/self/environ" if os.path.exists("/proc/self/environ") else __file__, limit=1)

    assert errno.EFBIG == caught.value.errno


def test_a_file_up_to_the_limit_is_read_whole(tmp_path):
    (tmp_path / "file").write_bytes(b"12345678")

    assert b"12345678" == read_bytes(f"{tmp_path}/file", limit=8)
    assert b"1234" == read_head(f"{tmp_path}/file", 4)
    with open_kit(f"{tmp_path}/file") as stream:
        assert b"12345678" == stream.read()


@pytest.mark.faults(219)
def test_a_kit_that_claims_more_than_any_has_is_not_opened(tmp_path):
    (tmp_path / "kit").touch()
    os.truncate(tmp_path / "kit", 1 << 42)

    with pytest.raises(OSError, match="larger than 64 GB, the limit for such files"):
        open_kit(f"{tmp_path}/kit")


@pytest.mark.faults(219)
def test_no_caller_goes_without_a_limit():
    """Of what is handed to other programs, too: `limit=None` would be the next endless file."""
    package = Path(devboot.__file__).parent

    assert [] == [str(path) for path in package.rglob("*.py") if "limit=None" in path.read_text(encoding="utf-8")]


def test_a_link_to_a_regular_file_is_followed(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")

    assert "text" == read_text(f"{tmp_path}/link")


def test_text_has_plain_line_feeds_and_bytes_that_are_no_utf8_are_replaced_or_reported(tmp_path):
    (tmp_path / "file").write_bytes(b"a\r\nb\rc\xff")

    assert "a\nb\nc\ufffd" == read_text(f"{tmp_path}/file")
    with pytest.raises(UnicodeDecodeError):
        read_text(f"{tmp_path}/file", errors="strict")


@pytest.mark.faults(150)
@pytest.mark.parametrize("text", ["a = [", "a = " + "[" * 100_000, "\0", "é".encode("latin-1")])
def test_what_is_no_toml_is_a_value_error_however_deep_it_goes(tmp_path, text):
    (tmp_path / "file").write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ValueError):  # noqa: PT011  of tomllib, of decoding, of the reader: each with its own words
        read_toml(f"{tmp_path}/file")


def test_nothing_stays_open(tmp_path):
    (tmp_path / "file").write_text("a = 1")
    before = set(os.listdir("/dev/fd"))

    for read in READERS:
        found = read(f"{tmp_path}/file")
        if read is open_kit:
            found.close()

    assert before == set(os.listdir("/dev/fd"))


# Env-files


def test_what_a_keeper_of_secrets_writes_into_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / ".env"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(b"A=1\n" * 50_000,))
    writer.start()

    assert read_env_file(str(pipe)) == b"A=1\n" * 50_000
    writer.join()


@pytest.mark.faults(50)
@pytest.mark.parametrize("is_held", [False, True], ids=["no-writer", "a-writer-that-goes-on"])
def test_a_pipe_that_nobody_writes_to_its_end_is_not_waited_for_for_ever(tmp_path, is_held):
    pipe = str(tmp_path / ".env")
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR) if is_held else -1

    with pytest.raises(OSError, match="no program writes to it") as caught:
        read_env_file(pipe, patience=0.01)

    assert caught.value.errno == errno.ETIMEDOUT
    if is_held:
        os.close(held)


def test_a_terminal_in_place_of_a_file_is_read_as_one_types():
    keyboard, terminal = os.openpty()
    typing = threading.Timer(0.05, os.write, (keyboard, b"A=1\n\x04"))
    typing.start()

    assert read_env_file(os.ttyname(terminal)) == b"A=1\n"
    typing.join()
    os.close(terminal)
    os.close(keyboard)


@pytest.mark.faults(150)
def test_an_env_file_that_is_a_device_is_refused_and_the_null_device_is_empty(tmp_path):
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "null").symlink_to("/dev/null")

    assert b"" == read_env_file(f"{tmp_path}/null")
    with pytest.raises(OSError, match="a device, not a regular file"):
        read_env_file(f"{tmp_path}/zero")


@pytest.mark.faults(150)
def test_a_terminal_in_which_nobody_types_is_not_waited_for_for_ever():
    keyboard, terminal = os.openpty()

    with pytest.raises(OSError, match="it is a terminal, and nobody ends its input with Ctrl-D"):
        read_env_file(os.ttyname(terminal), patience=0.01)

    os.close(terminal)
    os.close(keyboard)


# Parsing


@pytest.mark.faults(150)
@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "{a=" * 100_000, "a = " + "9" * 10_000, "a ="])
def test_no_text_is_more_for_the_toml_parser_than_an_error_of_its_own(text):
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml(text)


@pytest.mark.faults(150)
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, "{"])
def test_no_text_is_more_for_the_json_parser_than_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  of json, of Python's limit of digits, of the reader
        parse_json(text)
