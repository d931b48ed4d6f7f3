"""Whole commands without the start of an interpreter: each is a fork of a process that has imported devboot already.

Most of the time that a short command takes is imports. Its variables, folder, streams and exit are those of a process
of its own; what Python reads at its start alone is not, so `run` starts a real process where such a variable is set.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

REPOSITORY = Path(__file__).parents[2]
START = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from tests.fakes.warm_commands import serve; serve()"
MARKER = "DEVBOOT_E2E"  # by which tests find processes in /proc, where a fork has the variables of its origin
_MARKER_LENGTH = 32
_AT_START = ("PYTHON", "LC_", "LANG", "TERM", "COLUMNS", "NO_COLOR", "FORCE_", "PY_", "GITHUB_")  # what they begin with
_SHARED = {"LANG", "NO_COLOR"}  # of these, those with which an origin is worth its start
_origins: dict[tuple[tuple[str, str], ...], Origin] = {}


def run(
    command: Sequence[str], words: Sequence[str], cwd: Path | str, environ: Mapping[str, str], limit: float
) -> subprocess.CompletedProcess[str]:
    """Run `command` with `words`, by which devboot is called with these arguments, to its end."""
    at_start = {name: text for name, text in environ.items() if name.startswith(_AT_START)}
    if at_start.get("PYTHONPATH") == str(REPOSITORY):
        del at_start["PYTHONPATH"]
    argv = [*command, *words]
    if at_start.keys() - _SHARED or not os.path.isdir("/proc/self"):
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "errors": "surrogateescape"}
        return subprocess.run(argv, cwd=cwd, env=dict(environ), timeout=limit, check=False, **options)
    key = tuple(sorted(at_start.items()))
    if key not in _origins:
        _origins[key] = Origin(at_start)
    try:
        return _origins[key].run(argv, words, cwd, environ, limit)
    except BaseException:  # what it answers next would be taken for another command's answer
        _origins.pop(key).kill()
        raise


class Origin:
    """The process that forks the commands, seen from a test."""

    def __init__(self, at_start: Mapping[str, str]) -> None:
        self.command = 0  # the process of the one that runs
        self.socket, theirs = socket.socketpair()
        environ = {"PATH": os.environ["PATH"], **at_start, MARKER: "0" * _MARKER_LENGTH}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, str(theirs.fileno())],
                env=environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # Python asks once, at its start, what kind of file its streams are
                stderr=subprocess.PIPE,
            )
        atexit.register(self.close)

    def run(
        self, argv: Sequence[str], words: Sequence[str], cwd: Path | str, environ: Mapping[str, str], limit: float
    ) -> subprocess.CompletedProcess[str]:
        """Have it fork a command, and wait for the end of the command and of its output."""
        pipes = [os.pipe() for _ in range(2)]
        request = {"argv": argv, "words": words, "cwd": os.fspath(cwd), "environ": dict(environ)}
        body = json.dumps(request).encode("utf-8", "surrogatepass")
        descriptors = array.array("i", [writer for _, writer in pipes])
        head = len(body).to_bytes(4, "big")
        self.socket.sendmsg([head], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        self.socket.sendall(body)
        for _, writer in pipes:
            os.close(writer)
        self.command = int(self._line())
        out, err = self._read([reader for reader, _ in pipes], argv, limit)
        code = int(self._line())
        self.command = 0
        return subprocess.CompletedProcess(list(argv), code, out, err)

    def kill(self) -> None:
        """End the process, and the command that it may be waiting for."""
        atexit.unregister(self.close)
        self.process.kill()
        if self.command:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.command, signal.SIGKILL)
        self.close()

    def close(self) -> None:
        """End the process."""
        self.socket.close()
        self.process.communicate()

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            more = self.socket.recv(1)
            assert more, self.process.stderr.read().decode()
            line += more
        return line

    def _read(self, readers: Sequence[int], argv: Sequence[str], limit: float) -> list[str]:
        found = dict.fromkeys(readers, b"")
        deadline = time.monotonic() + limit
        with selectors.DefaultSelector() as selector:
            for reader in readers:
                selector.register(reader, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(max(0, deadline - time.monotonic())):
                    block = os.read(key.fd, 65536)
                    found[key.fd] += block
                    if not block:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                if time.monotonic() >= deadline and selector.get_map():
                    for reader in list(selector.get_map()):
                        os.close(reader)
                    raise subprocess.TimeoutExpired(list(argv), limit)
        return [data.decode("utf-8", "surrogateescape") for data in found.values()]


def import_devboot() -> None:
    """Import what commands need."""
    import devboot.app.preparation.prepare
    import devboot.cli.application
    import devboot.cli.commands.init_doctor
    import devboot.cli.commands.preparing
    import devboot.cli.main
    import devboot.doctor
    import devboot.onboarding
    import devboot.ui.reporters  # noqa: F401  so that no command has to


def serve() -> None:
    """Fork commands until the test's side is closed; in a fork, be the command and end as it would."""
    import gc

    connection = socket.socket(fileno=int(sys.argv[1]))
    import_devboot()
    gc.freeze()
    marker = _address_of_marker()
    while True:
        size, rights, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(8))
        if not size:
            return
        while len(size) < 4:
            size += connection.recv(4 - len(size))
        descriptors = array.array("i", rights[0][2])
        body = b""
        while len(body) < int.from_bytes(size, "big"):
            body += connection.recv(65536)
        pid = os.fork()
        if not pid:
            connection.close()
            request = json.loads(body.decode("utf-8", "surrogatepass"))
            _become(request, descriptors, marker)
            _run_to_the_end()
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(b"%d\n" % pid)
        _, status = os.waitpid(pid, 0)
        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(request: dict, descriptors: Sequence[int], marker: int) -> None:
    os.setsid()
    os.chdir(request["cwd"])
    for target, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environ"])
    ctypes.memmove(marker, request["environ"].get(MARKER, "").encode().ljust(_MARKER_LENGTH, b"0"), _MARKER_LENGTH)
    argv, words = request["argv"], request["words"]
    sys.orig_argv = argv
    called = str(REPOSITORY / "devboot/__main__.py") if "-m" in argv else "-c"
    sys.argv = [called, *words]


def _run_to_the_end() -> NoReturn:
    """Do what the interpreter does, but for clearing its memory, most of which is shared with the origin's."""
    from devboot.__main__ import main

    code = 1
    try:
        code = main()
    except BaseException:  # noqa: BLE001  as the interpreter does
        traceback.print_exc()
    finally:
        threading._shutdown()  # noqa: SLF001  as the interpreter does
        atexit._run_exitfuncs()  # noqa: SLF001  the same
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _address_of_marker() -> int:
    """Return where the value of the marker lies in the memory that /proc shows."""
    entries = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    name = f"{MARKER}=".encode()
    for address in entries:
        if ctypes.string_at(address, len(name)) == name:
            return address + len(name)
    raise LookupError(MARKER)
