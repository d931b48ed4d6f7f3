"""A small MongoDB client: creates the server's user, and sends commands to a running server. Run by its path.

    python -I -S mongo_client.py give-user SOCKET PROGRAM [ARGUMENT…]
    python -I -S mongo_client.py ask HOST PORT [COMMAND…]

User name and password are two lines of its input. For `give-user`, PROGRAM is a server without access control that
listens only on SOCKET, in a folder that no other user may enter. It is stopped after the user was created; the exit
code is 0 if all of that succeeded. `ask` logs in, unless the name is empty, and prints the answers to the commands as
JSON.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

OP_MSG = 2013
_HEADER = 16
_LARGEST = 48_000_000  # most bytes of a message, by the protocol
_ANSWER = 60.0  # seconds to wait for an answer; the whole step is limited, too
_POLL = 0.05
_SHOWN = 3
_ROLES = [{"role": "root", "db": "admin"}]
_PR_SET_PDEATHSIG = 1
_OLD_LOG = re.compile(r"\d{4}-\S+ ([A-Z])")  # log lines before 4.4, which aren't JSON
_NUMBERS = {0x01: "<d", 0x10: "<i"}
_FIXED = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16}  # bytes by BSON's type


def main(words: list[str]) -> int:
    """Run `give-user PATH COMMAND` or `ask HOST PORT COMMAND`, user and password on stdin; return the exit code."""
    user, password = sys.stdin.read().splitlines()
    if words[0] == "give-user":
        return start_with_user(words[1], words[2:], user, password)
    try:
        ask(words[1], int(words[2]), user, password, words[3:])
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def start_with_user(path: str, command: list[str], user: str, password: str) -> int:
    """Start a MongoDB server on a socket, create the user, stop the server; return the exit code."""
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=_die_with_parent,  # noqa: PLW1509  no other thread runs yet
    )
    assert server.stdout is not None
    errors: deque[str] = deque(maxlen=_SHOWN)
    last: deque[str] = deque(maxlen=_SHOWN)
    reader = threading.Thread(target=_read, args=(server.stdout, errors, last), daemon=True)
    reader.start()
    has_user, refusal = False, ""
    try:
        if (connection := _connect(path, server)) is not None:
            with connection:
                give_user(connection, user, password)
            has_user = True
    except (OSError, ValueError) as error:
        refusal = str(error) or type(error).__name__
    finally:
        server.terminate()  # it flushes everything to disk
        code = server.wait()
    reader.join()
    if has_user and code == 0:
        return 0
    lines = errors if errors or refusal else last
    sys.stderr.write("\n".join((*lines, refusal or f"the server ended with exit code {code}", "")))
    return 1


def give_user(connection: socket.socket, user: str, password: str) -> None:
    """Create the MongoDB user, or set the password of an existing one. Raises OSError and ValueError."""
    is_there = call(connection, {"usersInfo": user, "$db": "admin"}).get("users")
    command = "updateUser" if is_there else "createUser"
    call(connection, {command: user, "pwd": password, "roles": _ROLES, "$db": "admin"})


def ask(host: str, port: int, user: str, password: str, commands: Iterable[str]) -> None:
    """Log in, run commands and print their answers as JSON. Raises OSError and ValueError."""
    with socket.create_connection((host, port), timeout=_ANSWER) as connection:
        if user:
            log_in(connection, user, password)
        for command in commands:
            sys.stdout.write(json.dumps(call(connection, json.loads(command)), default=repr) + "\n")


def log_in(connection: socket.socket, user: str, password: str) -> None:
    """Log in by SCRAM-SHA-256 as a user of the database `admin`. Raises OSError and ValueError."""
    nonce = base64.b64encode(os.urandom(18)).decode()
    start = {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": f"n,,n={user},r={nonce}".encode(), "$db": "admin"}
    answer = call(connection, start)
    for words in (scram_proof(user, password, nonce, answer["payload"].decode()), ""):
        if not answer["done"]:
            more = {"saslContinue": 1, "conversationId": answer["conversationId"], "payload": words.encode()}
            answer = call(connection, {**more, "$db": "admin"})


def scram_proof(user: str, password: str, nonce: str, challenge: str) -> str:
    """Return the client's final message of SCRAM-SHA-256 (RFC 5802, RFC 7677). Raises ValueError for a wrong nonce."""
    given = dict(part.split("=", 1) for part in challenge.split(","))
    if not given["r"].startswith(nonce):
        raise ValueError("the server answers to another login")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(given["s"]), int(given["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    bare = f"c=biws,r={given['r']}"
    text = f"n={user},r={nonce},{challenge},{bare}"
    signature = hmac.digest(hashlib.sha256(key).digest(), text.encode(), "sha256")
    proof = bytes(one ^ other for one, other in zip(key, signature, strict=True))
    return f"{bare},p={base64.b64encode(proof).decode()}"


def call(connection: socket.socket, command: Mapping[str, Any]) -> dict[str, Any]:
    """Run a MongoDB command and return its answer. Raises OSError, and ValueError if the server refuses it."""
    body = b"\0\0\0\0\0" + encode(command)  # no flags, then the body section
    connection.sendall(struct.pack("<iiii", _HEADER + len(body), 1, 0, OP_MSG) + body)
    length, _, _, kind = struct.unpack("<iiii", _read_exactly(connection, _HEADER))
    if kind != OP_MSG or not _HEADER < length <= _LARGEST:
        raise ValueError("the server answers in another protocol")
    answer = decode(_read_exactly(connection, length - _HEADER)[5:])
    if answer.get("ok") != 1:
        name = f" ({answer['codeName']})" if "codeName" in answer else ""
        raise ValueError(f"{answer.get('errmsg', 'the server refuses')}{name}")
    return answer


def encode(document: Mapping[str, Any]) -> bytes:
    """Encode a document as BSON: texts, bytes, 32-bit and floating-point numbers, booleans, lists and documents."""
    body = b"".join(_element(name, value) for name, value in document.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def decode(data: bytes) -> dict[str, Any]:
    """Decode the BSON document at the beginning of `data`; values of types that `encode` lacks become bytes.

    Raises ValueError.
    """
    try:
        return _document(data, 0)[0]
    except (struct.error, IndexError) as error:
        raise ValueError("the document is cut off") from error


def _element(name: str, value: object) -> bytes:
    match value:
        case bool():
            kind, content = 0x08, bytes([value])
        case int():
            kind, content = 0x10, struct.pack("<i", value)
        case float():
            kind, content = 0x01, struct.pack("<d", value)
        case str():
            text = value.encode()
            kind, content = 0x02, struct.pack("<i", len(text) + 1) + text + b"\0"
        case bytes():
            kind, content = 0x05, struct.pack("<iB", len(value), 0) + value
        case dict():
            kind, content = 0x03, encode(value)
        case list():
            kind, content = 0x04, encode({str(index): each for index, each in enumerate(value)})
        case _:
            raise TypeError(f"BSON for {type(value).__name__}")
    if "\0" in name:
        raise ValueError("a name has a zero byte in it")
    return bytes([kind]) + name.encode() + b"\0" + content


def _document(data: bytes, start: int) -> tuple[dict[str, Any], int]:
    """Decode the BSON document at offset `start`; return it and the offset after it."""
    end = start + int(struct.unpack_from("<i", data, start)[0])
    if not start + 5 <= end <= len(data) or data[end - 1]:
        raise ValueError("the document has a wrong length")
    found: dict[str, Any] = {}
    at = start + 4
    while data[at]:
        stop = data.index(b"\0", at + 1)
        name = data[at + 1 : stop].decode()
        found[name], at = _value(data[at], data, stop + 1)
    if at != end - 1:
        raise ValueError("the document has a wrong length")
    return found, end


def _value(kind: int, data: bytes, at: int) -> tuple[Any, int]:
    """Decode the BSON value of type `kind` at an offset; return it and the offset after it."""
    if kind in (0x03, 0x04):
        found, end = _document(data, at)
        return (list(found.values()) if kind == 0x04 else found), end
    if kind in (0x02, 0x05):
        length = struct.unpack_from("<i", data, at)[0]
        start = at + (4 if kind == 0x02 else 5)
        end = start + length
        if length < (kind == 0x02) or end > len(data) or (kind == 0x02 and data[end - 1]):
            raise ValueError("a value has a wrong length")
        return (data[start : end - 1].decode() if kind == 0x02 else data[start:end]), end
    if kind not in _FIXED:
        raise ValueError(f"BSON's type {kind:#x}")
    end = at + _FIXED[kind]
    if end > len(data):
        raise ValueError("a value has a wrong length")
    content = data[at:end]
    if kind == 0x08:
        return content != b"\0", end
    if kind in _NUMBERS:
        return struct.unpack(_NUMBERS[kind], content)[0], end
    return content, end


def _connect(path: str, server: subprocess.Popen[str]) -> socket.socket | None:
    """Connect to the server's socket as soon as it listens; None if the server ends first."""
    while server.poll() is None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_ANSWER)
        with contextlib.suppress(OSError):
            connection.connect(path)
            return connection
        connection.close()
        time.sleep(_POLL)
    return None


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        block = connection.recv(min(size - len(data), 65536))
        if not block:
            raise OSError("the server has closed the connection")
        data += block
    return data


def _read(output: Iterable[str], errors: deque[str], last: deque[str]) -> None:
    """Read a server's log to its end, keeping the last errors and the last lines."""
    for line in output:
        last.append(line.strip())
        if text := _error_in(line.strip()):
            errors.append(text)


def _error_in(line: str) -> str:
    """Return the error that a log line reports; "" for other lines."""
    with contextlib.suppress(ValueError):
        entry = json.loads(line)
        if isinstance(entry, dict):
            return f"{entry.get('msg')} {json.dumps(entry.get('attr', {}))}" if entry.get("s") in ("E", "F") else ""
    found = _OLD_LOG.match(line)
    return line if found is None or found[1] in "EF" else ""


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
